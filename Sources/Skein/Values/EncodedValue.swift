internal import SkeinBSON
internal import SkeinWire

/// A BSON value as type and bytes, for those paths that have a value instead of a scalar or a string.
struct EncodedValue {
    private let document: BSONDocument

    init(_ value: BSONValue) {
        var document = BSONDocument()
        document.append("", value)
        self.document = document
    }

    var type: UInt8 { document.bytes[4] }

    /// The value's bytes: what stands between the element's key and the document's terminator.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        document.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[6..<($0.count - 1)])) }
    }

    static func decode(type: UInt8, _ bytes: UnsafeRawBufferPointer) -> BSONValue? {
        var document: [UInt8] = [0, 0, 0, 0, type, 0]
        document.append(contentsOf: bytes)
        document.append(0)
        withUnsafeBytes(of: Int32(document.count).littleEndian) { document.replaceSubrange(0..<4, with: $0) }
        return BSONDocument(unchecked: document)[""]
    }
}

/// Depth and size of a document that is about to become a field.
enum BodyLimits {
    static func allows(_ document: BSONDocument, limits: EventLimits) -> Bool {
        document.bytes.count <= limits.eventBytes && depth(document, atMost: limits.depth) < limits.depth
    }

    private static func depth(_ document: BSONDocument, atMost limit: Int) -> Int {
        guard limit > 1 else { return limit }
        var deepest = 1
        for (_, value) in document {
            switch value {
            case .document(let inner), .array(let inner):
                deepest = max(deepest, 1 + depth(inner, atMost: limit - 1))
            default: break
            }
            if deepest >= limit { return limit }
        }
        return deepest
    }
}
