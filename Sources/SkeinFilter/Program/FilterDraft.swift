/// A program while it is made.
struct FilterDraft {
    var instructions: [FilterProgram.Instruction] = []
    var steps: [FilterProgram.Step] = []
    var literals: [FilterProgram.Literal] = []
    var parts: [FilterProgram.Part] = []
    var expressions: [RegularExpression] = []
    var pool: [UnsafeMutableRawBufferPointer] = []

    // MARK: Order

    /// The same filter with what is cheap before what is dear. No term can fail or change anything, so that the answer stays the
    /// same, whatever the order.
    static func ordered(_ syntax: FilterSyntax) -> (syntax: FilterSyntax, cost: Int) {
        switch syntax {
        case .term(let term): return (syntax, cost(of: term))
        case .not(let inner):
            let (syntax, cost) = ordered(inner)
            return (.not(syntax), cost)
        case .all(let parts):
            let (parts, cost) = ordered(parts)
            return (.all(parts), cost)
        case .any(let parts):
            let (parts, cost) = ordered(parts)
            return (.any(parts), cost)
        }
    }

    private static func ordered(_ parts: [FilterSyntax]) -> (parts: [FilterSyntax], cost: Int) {
        let each = parts.map { ordered($0) }
        let sorted = each.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
        return (sorted.map(\.element.syntax), each.reduce(0) { $0 + $1.cost })
    }

    private static func cost(of term: FilterTerm) -> Int {
        let field = term.field.root.cost + 2 * term.field.steps.count
        return switch term.test {
        case .exists, .order: field
        case .oneOf(let literals, _): field + literals.count / 4
        case .glob: field + 2
        case .expression: field + 100
        }
    }

    // MARK: Instructions

    /// Appends what decides a filter; what comes later in time is appended earlier.
    /// - Returns: where it begins.
    mutating func emit(_ syntax: FilterSyntax, onTrue: Int32, onFalse: Int32) -> Int32 {
        switch syntax {
        case .not(let inner): return emit(inner, onTrue: onFalse, onFalse: onTrue)
        case .all(let parts):
            return parts.reversed().reduce(onTrue) { emit($1, onTrue: $0, onFalse: onFalse) }
        case .any(let parts):
            return parts.reversed().reduce(onFalse) { emit($1, onTrue: onTrue, onFalse: $0) }
        case .term(let term):
            append(term, onTrue, onFalse)
            return Int32(instructions.count - 1)
        }
    }

    private mutating func append(_ term: FilterTerm, _ onTrue: Int32, _ onFalse: Int32) {
        var instruction = FilterProgram.Instruction(
            operation: .exists, isNegated: false, root: term.field.root, firstStep: Int32(steps.count),
            stepCount: Int32(term.field.steps.count), first: 0, count: 0, onTrue: onTrue, onFalse: onFalse)
        for step in term.field.steps { steps.append(self.step(step)) }
        switch term.test {
        case .exists: break
        case .oneOf(let values, let isNegated):
            instruction.operation = .oneOf
            instruction.isNegated = isNegated
            instruction.first = Int32(literals.count)
            instruction.count = Int32(values.count)
            for value in values { literals.append(literal(value)) }
        case .order(let order, let value):
            instruction.operation =
                switch order {
                case .less: .less
                case .lessOrEqual: .lessOrEqual
                case .greater: .greater
                case .greaterOrEqual: .greaterOrEqual
                }
            instruction.first = Int32(literals.count)
            literals.append(literal(value))
        case .glob(let glob):
            instruction.operation = .glob
            instruction.first = Int32(parts.count)
            instruction.count = Int32(glob.count)
            for item in glob { parts.append(part(item)) }
        case .expression(let expression):
            instruction.operation = .expression
            instruction.first = Int32(expressions.count)
            expressions.append(expression)
        }
        instructions.append(instruction)
    }

    private mutating func step(_ name: [UInt8]) -> FilterProgram.Step {
        var word: UInt64 = 0
        if name.count < 8 { word = name.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        let text = String(decoding: name, as: UTF8.self)
        var index = -1
        if name.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int32(text), "\(number)" == text {
            index = Int(number)
        }
        return FilterProgram.Step(name: copy(name), word: word, index: index)
    }

    private mutating func literal(_ literal: FilterLiteral) -> FilterProgram.Literal {
        switch literal {
        case .number(let number): .number(number)
        case .text(let text): .text(copy(text))
        case .bool(let bool): .bool(bool)
        case .null: .null
        }
    }

    private mutating func part(_ part: GlobPart) -> FilterProgram.Part {
        switch part {
        case .literal(let bytes): return .literal(copy(bytes))
        case .one: return .one
        case .anything: return .anything
        case .set(let ranges, let isNegated):
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: ranges.count * MemoryLayout<ClosedRange<UInt32>>.stride,
                alignment: MemoryLayout<ClosedRange<UInt32>>.alignment)
            pool.append(memory)
            let (_, bound) = memory.initializeMemory(as: ClosedRange<UInt32>.self, from: ranges)
            return .set(UnsafeBufferPointer(bound), isNegated: isNegated)
        }
    }

    private mutating func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        memory.copyBytes(from: bytes)
        pool.append(memory)
        return UnsafeRawBufferPointer(rebasing: memory[..<bytes.count])
    }
}
