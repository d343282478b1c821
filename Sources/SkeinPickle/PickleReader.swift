public import SkeinBSON

/// Reads Python pickles as data: nothing is imported, looked up or called.
///
/// Protocols 0 to 5, every instruction but persistent ids and buffers outside of the pickle. `Docs/WireFormat.md` has the table of what
/// a value becomes. A pickle is a program for a machine with a stack and a memo; this machine has instructions that make plain
/// values, and a fixed list of constructors (``PickleReader`` knows `datetime`, `Decimal`, `UUID`, `set` and a dozen more)
/// whose arguments are read as data. Every other name becomes the text `<module.Name>`, and is counted.
///
/// It holds, on any bytes:
///
/// 1. Memory and time are bounded by the length of the input and by ``Limits``. No instruction allocates what a length in the
///    input only announces.
/// 2. How large and how deep the values are is added up over the graph, in one visit to each node, before anything is laid
///    out: a pickle in which the memo doubles a list sixty times is refused after reading it, not after 2^60 values.
/// 3. A value inside itself is cut where it repeats (`[...]`, `{...}`).
/// 4. What comes out is valid BSON.
///
/// About 6 µs for a log record of 25 attributes. A value type without state: any thread.
///
/// ```swift
/// let pickle: [UInt8] = [0x80, 0x02, 0x7D, 0x58, 1, 0, 0, 0, 0x61, 0x4B, 7, 0x73, 0x2E]  // {"a": 7}
/// let read = try PickleReader().read(pickle)
/// print(read.value)  // {"a": 7}, read.unknownNames is 0
/// ```
public struct PickleReader: Sendable {
    /// What a pickle may need at most.
    public struct Limits: Sendable, Hashable {
        /// Bytes of the pickle.
        public var inputBytes = 16 << 20
        /// Bytes of the BSON that it becomes.
        public var outputBytes = 16 << 20
        /// Values and references to values: what stands on the stack, in lists and in the memo, taken together.
        public var items = 1 << 20
        /// How deep values may nest; an object of plain values has depth 1. At most 100.
        public var depth = 64

        /// The defaults.
        public init() {}
    }

    /// What was read.
    public struct Result: Sendable, Hashable {
        /// The value: a document, an array or a scalar.
        public var value: BSONValue
        /// How many names became text: classes, functions and instances that are not on the list.
        public var unknownNames: Int
    }

    /// The bounds of this reader.
    public let limits: Limits

    /// A reader with its bounds.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Reads one pickle that fills the bytes.
    ///
    /// - Throws: the first thing that is wrong, with its place.
    public func read(_ bytes: UnsafeRawBufferPointer) throws(PickleError) -> Result {
        guard bytes.count <= limits.inputBytes else {
            throw PickleError(
                code: .tooLarge, message: "\(bytes.count) bytes; at most \(limits.inputBytes) are taken")
        }
        var machine = PickleMachine(bytes, limits)
        let root = try machine.run()
        var layout = PickleLayout(machine.finish(), limits)
        let value = try layout.value(of: root)
        return Result(value: value, unknownNames: layout.heap.unknownNames)
    }

    /// The same for bytes in an array.
    public func read(_ bytes: [UInt8]) throws(PickleError) -> Result {
        try bytes.withUnsafeBytes { bytes -> Swift.Result<Result, PickleError> in
            Swift.Result { () throws(PickleError) in try read(bytes) }
        }.get()
    }
}
