import SkeinBSON

/// Turns the values that a pickle made into BSON: adds up first, then writes into exactly as much memory.
///
/// What is shared stands in the output as often as it is referred to. Since sizes are added up bottom-up, once for each value, one
/// that would be larger than the limit is found before anything of it is written.
struct PickleLayout {
    private(set) var heap: PickleHeap
    private let limits: PickleReader.Limits

    /// What is known of a value.
    private struct Measure {
        /// The bytes of its BSON without type and key, or one of the two below.
        var size: Int32 = unmeasured
        /// How many documents it nests.
        var height: UInt8 = 0

        static let unmeasured: Int32 = -1
        static let underWay: Int32 = -2
    }

    private var nodeMeasures: [Measure]
    /// Of lists and dictionaries: two values may share one, such as a list and the set that is made of it.
    private var listMeasures: [Measure]
    /// The texts that stand for keys which are none, or not fit to be one.
    private var keys: [Int32: Int32] = [:]

    init(_ heap: consuming PickleHeap, _ limits: PickleReader.Limits) {
        self.limits = limits
        nodeMeasures = [Measure](repeating: Measure(), count: heap.nodes.count)
        listMeasures = [Measure](repeating: Measure(), count: heap.lists.count)
        self.heap = heap
    }

    private subscript(index: Int32) -> Measure {
        get {
            switch heap.nodes[Int(index)] {
            case .list(let list), .dictionary(let list): listMeasures[Int(list)]
            default: nodeMeasures[Int(index)]
            }
        }
        set {
            switch heap.nodes[Int(index)] {
            case .list(let list), .dictionary(let list): listMeasures[Int(list)] = newValue
            default: nodeMeasures[Int(index)] = newValue
            }
        }
    }

    /// The value as BSON.
    mutating func value(of root: Int32) throws(PickleError) -> BSONValue {
        let size = try measure(root, depth: 1)
        let type = type(of: root)
        // As the one element of a document, which is what a scalar can be read from.
        let isDocument = type == .document || type == .array
        let total = isDocument ? size : size + 8
        let bytes = [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            var writer = BSONRawWriter(base)
            if isDocument {
                write(root, &writer)
            } else {
                let start = writer.beginDocument()
                "v".utf8.withContiguousStorageIfAvailable {
                    writer.header(type, key: UnsafeRawBufferPointer($0))
                }
                write(root, &writer)
                writer.endDocument(start)
            }
            count = writer.pointer - UnsafeMutableRawPointer(base)
        }
        let document = BSONDocument(unchecked: bytes)
        return switch type {
        case .document: .document(document)
        case .array: .array(document)
        default: document["v"] ?? .null
        }
    }

    // MARK: Adding up

    /// - Returns: the bytes of the value, without type and key.
    private mutating func measure(_ index: Int32, depth: Int) throws(PickleError) -> Int {
        let known = self[index]
        if known.size >= 0 {
            try check(depth: depth - 1 + Int(known.height))
            return Int(known.size)
        }
        var measure = Measure()
        let size: Int
        switch heap.nodes[Int(index)] {
        case .list(let list):
            try begin(index, depth)
            size = try measureList(list, &measure.height, depth)
        case .dictionary(let list):
            try begin(index, depth)
            size = try measureDictionary(list, &measure.height, depth)
        case .tuple(let start, let count):
            try begin(index, depth)
            size = try measureTuple(Int(start)..<Int(start) + Int(count), &measure.height, depth)
        case .complex:
            try check(depth: depth)
            measure.height = 1
            size = 33
        default: size = scalarSize(heap.nodes[Int(index)])
        }
        guard size <= limits.outputBytes else { throw tooLarge }
        measure.size = Int32(truncatingIfNeeded: size)
        self[index] = measure
        return size
    }

    private mutating func begin(_ index: Int32, _ depth: Int) throws(PickleError) {
        try check(depth: depth)
        self[index].size = Measure.underWay
    }

    private mutating func measureList(_ list: Int32, _ height: inout UInt8, _ depth: Int) throws(PickleError)
        -> Int
    {
        var size = 5
        for offset in heap.lists[Int(list)].indices {
            let child = unlooped(heap.lists[Int(list)][offset])
            heap.lists[Int(list)][offset] = child
            try add(&size, &height, 2 + Self.digits(offset), child, depth)
        }
        height += 1
        return size
    }

    private mutating func measureTuple(
        _ range: Range<Int>, _ height: inout UInt8, _ depth: Int
    ) throws(PickleError) -> Int {
        var size = 5
        for offset in range {
            let child = unlooped(heap.tuples[offset])
            heap.tuples[offset] = child
            try add(&size, &height, 2 + Self.digits(offset - range.lowerBound), child, depth)
        }
        height += 1
        return size
    }

    private mutating func measureDictionary(
        _ list: Int32, _ height: inout UInt8, _ depth: Int
    ) throws(PickleError) -> Int {
        var size = 5
        for offset in stride(from: 0, to: heap.lists[Int(list)].count, by: 2) {
            let name = key(heap.lists[Int(list)][offset])
            let child = unlooped(heap.lists[Int(list)][offset + 1])
            heap.lists[Int(list)][offset] = name
            heap.lists[Int(list)][offset + 1] = child
            try add(&size, &height, 2 + length(ofKey: name), child, depth)
        }
        height += 1
        guard hasRepeatedKeys(list) else { return size }
        keepLast(list)
        let pairs = heap.lists[Int(list)]
        return stride(from: 0, to: pairs.count, by: 2).reduce(5) {
            $0 + 2 + length(ofKey: pairs[$1]) + Int(self[pairs[$1 + 1]].size)
        }
    }

    private func length(ofKey index: Int32) -> Int { heap.raw(index).map { Int($0.count) } ?? 0 }

    private mutating func add(
        _ size: inout Int, _ height: inout UInt8, _ header: Int, _ child: Int32, _ depth: Int
    ) throws(PickleError) {
        size += try header + measure(child, depth: depth + 1)
        height = max(height, self[child].height)
        guard size <= limits.outputBytes else { throw tooLarge }
    }

    /// The value, or, if it is one that this place is inside of, the text that stands for it there.
    private mutating func unlooped(_ index: Int32) -> Int32 {
        guard self[index].size == Measure.underWay else { return index }
        if case .dictionary = heap.nodes[Int(index)] { return newText("{...}") }
        return newText("[...]")
    }

    private mutating func newText(_ text: String) -> Int32 {
        let kept = heap.keep(text)
        heap.nodes.append(.text(kept))
        nodeMeasures.append(Measure())
        return Int32(truncatingIfNeeded: heap.nodes.count - 1)
    }

    private func scalarSize(_ node: PickleNode) -> Int {
        switch node {
        case .null: 0
        case .bool: 1
        case .int(let value): Int32(exactly: value) == nil ? 8 : 4
        case .double, .datetime, .timedelta: 8
        case .decimal: 16
        case .text(let bytes), .bytes(let bytes), .unknown(let bytes): 5 + Int(bytes.count)
        case .uuid: 21
        case .zone(let offset): 5 + Self.zoneText(offset).utf8.count
        case .constructor(let known), .unbuilt(let known): 7 + known.rawValue.utf8.count
        case .list, .dictionary, .tuple, .complex: 5
        }
    }

    private func check(depth: Int) throws(PickleError) {
        guard depth <= limits.depth else {
            throw PickleError(code: .tooDeep, message: "its values nest deeper than \(limits.depth)")
        }
    }

    private var tooLarge: PickleError {
        PickleError(
            code: .tooLarge, message: "its values take more than \(limits.outputBytes) bytes when laid out")
    }

    private static func digits(_ index: Int) -> Int {
        var count = 1
        var rest = index / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }

    // MARK: Keys

    /// The text that a key is, as `json.dumps` writes keys that are none.
    private mutating func key(_ index: Int32) -> Int32 {
        if case .text(let text) = heap.nodes[Int(index)], heap.withBytes(text, { !$0.contains(0) }) {
            return index
        }
        if let known = keys[index] { return known }
        let text: String =
            switch heap.nodes[Int(index)] {
            case .text(let bytes), .bytes(let bytes), .unknown(let bytes):
                String(heap.string(bytes).unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : Character($0) })
            case .null: "null"
            case .bool(let flag): flag ? "true" : "false"
            case .int(let number): "\(number)"
            case .double(let number):
                number.isNaN
                    ? "NaN" : number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : "\(number)"
            case .decimal(let number): number.description
            case .datetime(let milliseconds): InternetDate.text(milliseconds: milliseconds)
            case .timedelta(let seconds, let microseconds): "\(Self.seconds(seconds, microseconds))"
            case .zone(let offset): Self.zoneText(offset)
            case .uuid(let high, let low): Self.uuidText(high, low)
            case .constructor(let known), .unbuilt(let known): "<\(known.rawValue)>"
            case .tuple: "<tuple>"
            case .list, .dictionary: "<list>"
            case .complex: "<complex>"
            }
        let key = newText(text)
        keys[index] = key
        return key
    }

    /// Keys are different in Python, but their texts need not be (`1` and `"1"`), and a pickle made by hand may repeat them.
    private func hasRepeatedKeys(_ list: Int32) -> Bool {
        let pairs = heap.lists[Int(list)]
        guard pairs.count > 2 else { return false }
        var seen = Set<Int>(minimumCapacity: pairs.count / 2)
        for offset in stride(from: 0, to: pairs.count, by: 2) {
            guard let bytes = heap.raw(pairs[offset]) else { continue }
            var hasher = Hasher()
            heap.withBytes(bytes) { hasher.combine(bytes: $0) }
            if !seen.insert(hasher.finalize()).inserted { return true }
        }
        return false
    }

    /// Of a repeated key the last value counts, in the place of the first, as in a dict.
    private mutating func keepLast(_ list: Int32) {
        let pairs = heap.lists[Int(list)]
        var places: [String: Int] = [:]
        var kept: [Int32] = []
        for offset in stride(from: 0, to: pairs.count, by: 2) {
            let name = heap.raw(pairs[offset]).map { heap.string($0) } ?? ""
            if let place = places[name] {
                kept[place + 1] = pairs[offset + 1]
            } else {
                places[name] = kept.count
                kept += pairs[offset...offset + 1]
            }
        }
        heap.lists[Int(list)] = kept
    }

    // MARK: Writing

    private func type(of index: Int32) -> BSONType {
        switch heap.nodes[Int(index)] {
        case .null: .null
        case .bool: .bool
        case .int(let value): Int32(exactly: value) == nil ? .int64 : .int32
        case .double, .timedelta: .double
        case .decimal: .decimal128
        case .text, .unknown, .constructor, .unbuilt, .zone: .string
        case .bytes, .uuid: .binary
        case .datetime: .datetime
        case .list, .tuple: .array
        case .dictionary, .complex: .document
        }
    }

    /// Writes the value that ``measure(_:depth:)`` measured.
    private func write(_ index: Int32, _ writer: inout BSONRawWriter) {
        switch heap.nodes[Int(index)] {
        case .null: break
        case .bool(let flag): writer.byte(flag ? 1 : 0)
        case .int(let value):
            if let short = Int32(exactly: value) { writer.integer(short) } else { writer.integer(value) }
        case .double(let value): writer.integer(value.bitPattern)
        case .decimal(let value):
            writer.integer(value.low)
            writer.integer(value.high)
        case .text(let bytes), .unknown(let bytes): heap.withBytes(bytes) { writer.text($0) }
        case .bytes(let bytes):
            writer.integer(Int32(truncatingIfNeeded: bytes.count))
            writer.byte(0)
            heap.withBytes(bytes) { writer.bytes($0) }
        case .datetime(let milliseconds): writer.integer(milliseconds)
        case .timedelta(let seconds, let microseconds):
            writer.integer(Self.seconds(seconds, microseconds).bitPattern)
        case .zone(let offset): Self.write(Self.zoneText(offset), &writer)
        case .uuid(let high, let low):
            writer.integer(Int32(16))
            writer.byte(4)
            writer.integer(high.byteSwapped)
            writer.integer(low.byteSwapped)
        case .constructor(let known), .unbuilt(let known): Self.write("<\(known.rawValue)>", &writer)
        case .complex(let real, let imaginary):
            let start = writer.beginDocument()
            for (name, part) in [("real", real), ("imag", imaginary)] {
                name.utf8.withContiguousStorageIfAvailable {
                    writer.double(key: UnsafeRawBufferPointer($0), part)
                }
            }
            writer.endDocument(start)
        case .list(let list): writeArray(heap.lists[Int(list)][...], &writer)
        case .tuple(let start, let count):
            writeArray(heap.tuples[Int(start)..<Int(start) + Int(count)], &writer)
        case .dictionary(let list):
            let pairs = heap.lists[Int(list)]
            let start = writer.beginDocument()
            for offset in stride(from: 0, to: pairs.count, by: 2) {
                guard let key = heap.raw(pairs[offset]) else { continue }
                heap.withBytes(key) { writer.header(type(of: pairs[offset + 1]), key: $0) }
                write(pairs[offset + 1], &writer)
            }
            writer.endDocument(start)
        }
    }

    private func writeArray(_ items: ArraySlice<Int32>, _ writer: inout BSONRawWriter) {
        let start = writer.beginDocument()
        for (offset, item) in items.enumerated() {
            writer.header(type(of: item), index: offset)
            write(item, &writer)
        }
        writer.endDocument(start)
    }

    private static func write(_ text: String, _ writer: inout BSONRawWriter) {
        var text = text
        text.withUTF8 { writer.text(UnsafeRawBufferPointer($0)) }
    }

    private static func seconds(_ seconds: Int64, _ microseconds: Int32) -> Double {
        (Double(seconds) * 1_000_000 + Double(microseconds)) / 1_000_000
    }

    private static func zoneText(_ microseconds: Int64) -> String {
        let minutes = abs(microseconds) / 60_000_000
        func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + String(number) }
        return "UTC"
            + (microseconds == 0
                ? "" : (microseconds < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60))
    }

    private static func uuidText(_ high: UInt64, _ low: UInt64) -> String {
        let digits = Array(hex(high) + hex(low))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
