import SkeinBSON

/// The first frame of Distlog's messages: three letters (`Docs/WireFormat.md`, Distlog's records).
struct DistlogTopic: CustomStringConvertible {
    enum Encoding: String {
        case json = "J"
        case pickle = "P"
    }

    /// `T`est, `S`taging, `P`roduction.
    let system: String
    /// `L`og or `P`erformance.
    let kind: String
    let encoding: Encoding

    /// How deep a record may nest.
    static let maximumDepth = 64

    var description: String { system + kind + encoding.rawValue }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    static func parse(_ bytes: UnsafeRawBufferPointer) -> Result<DistlogTopic, Fault> {
        guard bytes.count == 3 else {
            return .failure(
                Fault(
                    description:
                        "two frames, the first of \(bytes.count) bytes; a topic of Distlog's has three letters"
                ))
        }
        let letters = bytes.map { String(Unicode.Scalar($0)) }
        func unknown(_ place: Int, _ known: String) -> Result<DistlogTopic, Fault> {
            let shown = bytes[place] > 0x20 && bytes[place] < 0x7F ? letters[place] : "byte \(bytes[place])"
            return .failure(
                Fault(description: "a topic whose letter \(place + 1) is \(shown); \(known) are known"))
        }
        guard "TSP".contains(letters[0]) else { return unknown(0, "T, S and P") }
        guard "LP".contains(letters[1]) else { return unknown(1, "L and P") }
        guard let encoding = Encoding(rawValue: letters[2]) else { return unknown(2, "J and P") }
        return .success(DistlogTopic(system: letters[0], kind: letters[1], encoding: encoding))
    }
}

/// What STATUS tells of Distlog's records, since the start.
struct DistlogCounts {
    private var taken: [String: UInt64] = [:]
    /// Names in pickles that became text.
    var unknownNames: UInt64 = 0

    mutating func count(_ topic: DistlogTopic) { taken[topic.description, default: 0] &+= 1 }

    /// `{records: {PLJ: n, …}, unknown_names: n}`.
    var document: BSONDocument {
        var records = BSONDocument()
        for (topic, count) in taken.sorted(by: { $0.key < $1.key }) {
            records.append(topic, .int64(Int64(clamping: count)))
        }
        return ["records": .document(records), "unknown_names": .int64(Int64(clamping: unknownNames))]
    }
}
