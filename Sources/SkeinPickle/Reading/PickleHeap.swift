import SkeinBSON

/// Text or bytes of a pickle: a place in its input, or in what was decoded from it.
struct PickleBytes {
    var start: UInt32
    var count: UInt32
    /// In `PickleHeap.decoded`, not in the input.
    var isDecoded: Bool
}

/// A value of a pickle. What can hold others refers to them by index, so that a value that is referred to twice is there once.
enum PickleNode {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case decimal(BSONDecimal128)
    /// UTF-8.
    case text(PickleBytes)
    case bytes(PickleBytes)
    /// Into `PickleHeap.lists`.
    case list(Int32)
    /// Into `PickleHeap.lists`: key, value, key, value.
    case dictionary(Int32)
    /// Into `PickleHeap.tuples`.
    case tuple(start: Int32, count: Int32)
    /// Milliseconds since the Unix epoch.
    case datetime(Int64)
    case timedelta(seconds: Int64, microseconds: Int32)
    /// A fixed offset from UTC.
    case zone(microseconds: Int64)
    case uuid(high: UInt64, low: UInt64)
    case complex(Double, Double)
    /// A function or class on the list, not called yet.
    case constructor(PickleConstructor)
    /// An instance of a class on the list whose state comes with BUILD.
    case unbuilt(PickleConstructor)
    /// Anything else that has a name: its text, `<module.Name>`.
    case unknown(PickleBytes)
}

/// The values of one pickle, and where their parts are.
struct PickleHeap {
    let input: UnsafeRawBufferPointer
    var nodes: [PickleNode] = []
    var lists: [[Int32]] = []
    var tuples: [Int32] = []
    var decoded: [UInt8] = []
    var unknownNames = 0

    init(_ input: UnsafeRawBufferPointer) {
        self.input = input
        nodes.reserveCapacity(min(64, input.count))
    }

    /// Lends bytes.
    @inline(__always)
    func withBytes<Value>(_ bytes: PickleBytes, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        let range = Int(bytes.start)..<Int(bytes.start) + Int(bytes.count)
        if !bytes.isDecoded { return body(UnsafeRawBufferPointer(rebasing: input[range])) }
        return decoded.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    func string(_ bytes: PickleBytes) -> String {
        withBytes(bytes) { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of a text or of bytes; nil for another value.
    func raw(_ index: Int32) -> PickleBytes? {
        switch nodes[Int(index)] {
        case .text(let bytes), .bytes(let bytes): bytes
        default: nil
        }
    }

    /// Keeps bytes that are not in the input.
    mutating func keep(_ bytes: some Sequence<UInt8>) -> PickleBytes {
        let start = decoded.count
        decoded.append(contentsOf: bytes)
        return PickleBytes(
            start: UInt32(truncatingIfNeeded: start),
            count: UInt32(truncatingIfNeeded: decoded.count - start),
            isDecoded: true)
    }

    /// Keeps text that is not in the input.
    mutating func keep(_ text: String) -> PickleBytes { keep(text.utf8) }
}
