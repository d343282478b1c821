/// The machine that a pickle is a program for: a stack, marks on it, a memo. It only ever makes ``PickleNode``s.
///
/// Every value and every reference to one is charged against `Limits.items` when it is made, every byte that is copied or
/// looked at again against `work`, so that neither memory nor time grows beyond what the input's length and the limits allow.
struct PickleMachine {
    let input: UnsafeRawBufferPointer
    let limits: PickleReader.Limits
    var position = 0
    /// Where the instruction began that is being carried out.
    private(set) var instructionStart = 0
    var heap: PickleHeap
    var stack: [Int32] = []
    private var marks: [Int] = []
    private var memo = PickleMemo()
    private var items = 0
    private var work = 0

    init(_ input: UnsafeRawBufferPointer, _ limits: PickleReader.Limits) {
        self.input = input
        self.limits = limits
        heap = PickleHeap(input)
    }

    /// What it made.
    consuming func finish() -> PickleHeap { heap }

    /// Carries the program out.
    /// - Returns: the value that it leaves.
    mutating func run() throws(PickleError) -> Int32 {
        while true {
            instructionStart = position
            let code = try byte()
            guard let instruction = PickleInstruction(rawValue: code) else {
                throw failure(.unknownInstruction, "0x" + String(code, radix: 16) + " is no instruction")
            }
            if instruction == .stop { break }
            try carryOut(instruction)
        }
        let root = try pop()
        guard position == input.count else {
            throw failure(.trailingBytes, "\(input.count - position) bytes follow its end")
        }
        return root
    }

    private mutating func carryOut(_ instruction: PickleInstruction) throws(PickleError) {
        switch instruction {
        case .binaryUnicode, .shortBinaryUnicode, .binaryUnicode8, .string, .binaryString, .shortBinaryString,
            .unicode, .binaryBytes, .shortBinaryBytes, .binaryBytes8, .byteArray8:
            try push(textOrBytes(instruction))
        case .none, .newTrue, .newFalse, .int, .long, .float, .binaryInt, .binaryInt1, .binaryInt2, .long1,
            .long4,
            .binaryFloat:
            try push(scalar(instruction))
        case .emptyList, .emptyDict, .emptySet, .emptyTuple, .list, .dict, .tuple, .tuple1, .tuple2, .tuple3,
            .frozenSet, .append, .appends, .setItem, .setItems, .addItems:
            try container(instruction)
        case .global, .stackGlobal, .instance, .object, .reduce, .newObject, .newObjectWithKeywords, .build,
            .extension1, .extension2, .extension4:
            try named(instruction)
        case .mark:
            try charge(items: 1)
            marks.append(stack.count)
        case .pop:
            if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .duplicate:
            let top = try top()
            try pushAgain(top)
        case .get, .binaryGet, .longBinaryGet:
            guard let index = memo[try memoIndex(instruction)] else {
                throw failure(.badStack, "the memo has nothing there")
            }
            try pushAgain(index)
        case .put, .binaryPut, .longBinaryPut: try remember(at: memoIndex(instruction))
        case .memoize: try remember(at: memo.count)
        case .proto:
            let version = try byte()
            guard version <= 5 else {
                throw failure(.unknownInstruction, "protocol \(version); 0 to 5 are known")
            }
        case .frame:
            let length = try unsigned(8)
            guard length <= UInt64(input.count - position) else { throw truncated }
        case .readOnlyBuffer: _ = try top()
        case .persistentID, .binaryPersistentID:
            throw failure(.unsupported, "a persistent id, which only the program that wrote it understands")
        case .nextBuffer: throw failure(.unsupported, "a buffer that is not in the pickle")
        case .stop: break
        }
    }

    // MARK: The stack

    mutating func push(_ node: PickleNode) throws(PickleError) {
        try pushAgain(newNode(node))
    }

    /// Makes a value that stands nowhere yet.
    mutating func newNode(_ node: PickleNode) throws(PickleError) -> Int32 {
        try charge(items: 1)
        heap.nodes.append(node)
        return Int32(truncatingIfNeeded: heap.nodes.count - 1)
    }

    mutating func newList() throws(PickleError) -> Int32 {
        try charge(items: 1)
        heap.lists.append([])
        return Int32(truncatingIfNeeded: heap.lists.count - 1)
    }

    /// Pushes a value that is there already.
    mutating func pushAgain(_ index: Int32) throws(PickleError) {
        try charge(items: 1)
        stack.append(index)
    }

    /// How many values stand above the last mark.
    private var available: Int { stack.count - (marks.last ?? 0) }

    mutating func pop() throws(PickleError) -> Int32 {
        guard available > 0, let top = stack.popLast() else {
            throw failure(.badStack, "the stack has nothing to take")
        }
        return top
    }

    func top() throws(PickleError) -> Int32 {
        guard available > 0, let top = stack.last else {
            throw failure(.badStack, "the stack has nothing to take")
        }
        return top
    }

    /// Takes what stands above the last mark, and the mark.
    mutating func popToMark() throws(PickleError) -> [Int32] {
        guard let mark = marks.popLast() else { throw failure(.badStack, "there is no mark") }
        // A copy: a slice would have the whole stack copied when it is cut.
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    // MARK: The memo

    private mutating func memoIndex(_ instruction: PickleInstruction) throws(PickleError) -> Int {
        switch instruction {
        case .binaryGet, .binaryPut: return Int(try byte())
        case .longBinaryGet, .longBinaryPut: return Int(try unsigned(4))
        default:
            let line = try line()
            guard let index = UInt32(String(decoding: line.prefix(16), as: UTF8.self)), line.count <= 16
            else {
                throw failure(.badValue, "a place in the memo that is no number")
            }
            return Int(index)
        }
    }

    private mutating func remember(at index: Int) throws(PickleError) {
        let top = try top()
        try charge(items: 1)
        memo[index] = top
    }

    // MARK: Bounds

    /// Counts values and references to values.
    mutating func charge(items count: Int) throws(PickleError) {
        items += count
        guard items <= limits.items else {
            throw failure(.tooLarge, "more than \(limits.items) values and references to values")
        }
    }

    /// Counts bytes that are copied, or gone over once more.
    mutating func charge(work count: Int) throws(PickleError) {
        work += count
        guard work <= 2 * limits.inputBytes + limits.outputBytes else {
            throw failure(.tooLarge, "its texts are decoded over and over again")
        }
    }

    /// Keeps text that is not in the input.
    mutating func keep(_ text: String) throws(PickleError) -> PickleBytes {
        try charge(work: text.utf8.count)
        return heap.keep(text)
    }

    // MARK: The input

    mutating func byte() throws(PickleError) -> UInt8 {
        guard position < input.count else { throw truncated }
        position += 1
        return input[position - 1]
    }

    /// A number of 1 to 8 bytes, little-endian.
    mutating func unsigned(_ count: Int) throws(PickleError) -> UInt64 {
        guard input.count - position >= count else { throw truncated }
        var value: UInt64 = 0
        for offset in 0..<count { value |= UInt64(input[position + offset]) << UInt64(8 * offset) }
        position += count
        return value
    }

    /// So many bytes.
    mutating func slice(_ count: UInt64) throws(PickleError) -> PickleBytes {
        guard count <= UInt64(input.count - position) else { throw truncated }
        defer { position += Int(count) }
        return PickleBytes(
            start: UInt32(truncatingIfNeeded: position), count: UInt32(truncatingIfNeeded: count),
            isDecoded: false)
    }

    /// The rest of a line, without its end.
    mutating func line() throws(PickleError) -> UnsafeRawBufferPointer {
        let rest = UnsafeRawBufferPointer(rebasing: input[position...])
        guard let end = rest.firstIndex(of: 0x0A) else { throw truncated }
        position += end + 1
        return UnsafeRawBufferPointer(rebasing: rest[..<end])
    }

    var truncated: PickleError { failure(.truncated, "it ends in the middle") }

    func failure(_ code: PickleError.Code, _ message: String) -> PickleError {
        PickleError(code: code, message: message, offset: instructionStart)
    }
}

/// What PUT and MEMOIZE keep. Places are mostly counted up from 0 (or 1); anything else goes to a dictionary, so that a place of
/// four thousand million costs no memory.
private struct PickleMemo {
    private var dense: [Int32] = []
    private var sparse: [Int: Int32] = [:]
    private static let absent: Int32 = -1

    /// How many places are taken; where MEMOIZE puts the next.
    private(set) var count = 0

    subscript(index: Int) -> Int32? {
        get {
            if index < dense.count { return dense[index] == Self.absent ? nil : dense[index] }
            return sparse[index]
        }
        set {
            guard let newValue else { return }
            if index < dense.count {
                if dense[index] == Self.absent { count += 1 }
                dense[index] = newValue
            } else if index <= dense.count + 1, sparse.isEmpty {
                if index > dense.count { dense.append(Self.absent) }
                dense.append(newValue)
                count += 1
            } else {
                if sparse.updateValue(newValue, forKey: index) == nil { count += 1 }
            }
        }
    }
}
