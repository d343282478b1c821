import SkeinBSON

/// What has a name in Python: functions, classes and their instances. None is looked up.
extension PickleMachine {
    mutating func named(_ instruction: PickleInstruction) throws(PickleError) {
        switch instruction {
        case .global:
            let module = try line()
            try push(name(module, line()))
        case .stackGlobal:
            let name = try pop()
            let module = try pop()
            guard case .text(let moduleText) = heap.nodes[Int(module)],
                case .text(let nameText) = heap.nodes[Int(name)]
            else { throw failure(.badStack, "a name that is no text") }
            try push(named(heap.string(clipped(moduleText)), heap.string(clipped(nameText))))
        case .instance:
            let module = try line()
            let callee = try newNode(name(module, line()))
            let arguments = try popToMark()
            try call(callee, arguments)
        case .object:
            let items = try popToMark()
            guard let callee = items.first else { throw failure(.badStack, "an instance of nothing") }
            try call(callee, Array(items.dropFirst()))
        case .reduce, .newObject:
            let arguments = try pop()
            let callee = try pop()
            try call(callee, tupleArguments(arguments))
        case .newObjectWithKeywords:
            _ = try pop()
            let arguments = try pop()
            let callee = try pop()
            try call(callee, tupleArguments(arguments))
        case .build:
            let state = try pop()
            try build(top(), state)
        case .extension1: try pushExtension(unsigned(1))
        case .extension2: try pushExtension(unsigned(2))
        default: try pushExtension(unsigned(4))
        }
    }

    private func clipped(_ text: PickleBytes) -> PickleBytes {
        PickleBytes(start: text.start, count: min(text.count, 1_024), isDecoded: text.isDecoded)
    }

    private mutating func name(_ module: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer)
        throws(PickleError) -> PickleNode
    {
        guard UTF8Validation.isValid(module), UTF8Validation.isValid(name) else {
            throw failure(.badValue, "a name that is not UTF-8")
        }
        return try named(
            String(decoding: module.prefix(1_024), as: UTF8.self),
            String(decoding: name.prefix(1_024), as: UTF8.self))
    }

    private mutating func named(_ module: String, _ name: String) throws(PickleError) -> PickleNode {
        let whole = module + "." + name
        try charge(work: whole.utf8.count)
        if let known = PickleConstructor(name: whole) { return .constructor(known) }
        return try unknown(String(whole.unicodeScalars.prefix(256)))
    }

    /// The text that stands for something on no list, counted.
    private mutating func unknown(_ name: String) throws(PickleError) -> PickleNode {
        heap.unknownNames += 1
        return .unknown(try keep("<\(name)>"))
    }

    private mutating func pushExtension(_ code: UInt64) throws(PickleError) {
        try push(unknown("extension \(code)"))
    }

    private func tupleArguments(_ index: Int32) throws(PickleError) -> [Int32] {
        guard case .tuple(let start, let count) = heap.nodes[Int(index)] else {
            throw failure(.badStack, "a call with what is no tuple of arguments")
        }
        // Nothing on the list has more than three.
        return tupleItems(start, min(count, 8))
    }

    /// Pushes what a call makes.
    private mutating func call(_ callee: Int32, _ arguments: [Int32]) throws(PickleError) {
        switch heap.nodes[Int(callee)] {
        case .constructor(let constructor):
            if let made = try construct(constructor, arguments) {
                try push(made)
            } else {
                try push(unknown(constructor.rawValue))
            }
        case .unknown: try pushAgain(newNode(heap.nodes[Int(callee)]))
        default: throw failure(.badStack, "a call of what is no function")
        }
    }

    /// Gives an instance its state: only a UUID has any that is wanted.
    private mutating func build(_ instance: Int32, _ state: Int32) throws(PickleError) {
        guard case .unbuilt(.uuid) = heap.nodes[Int(instance)],
            case .dictionary(let list) = heap.nodes[Int(state)]
        else { return }
        let pairs = heap.lists[Int(list)]
        for index in stride(from: 0, to: min(pairs.count, 16), by: 2) {
            guard case .text(let key) = heap.nodes[Int(pairs[index])], key.count == 3,
                heap.string(key) == "int"
            else {
                continue
            }
            if let words = unsigned128(pairs[index + 1]) {
                heap.nodes[Int(instance)] = .uuid(high: words.high, low: words.low)
            }
        }
    }

    /// A whole number of 0 up to 2^128 − 1, which may have become a decimal or text on its way here.
    private func unsigned128(_ index: Int32) -> (high: UInt64, low: UInt64)? {
        let value: UInt128?
        switch heap.nodes[Int(index)] {
        case .int(let number): value = UInt128(exactly: number)
        case .decimal(let number): value = UInt128(number.description)
        case .text(let digits) where digits.count <= 39: value = UInt128(heap.string(digits))
        default: value = nil
        }
        return value.map { (UInt64(truncatingIfNeeded: $0 >> 64), UInt64(truncatingIfNeeded: $0)) }
    }
}
