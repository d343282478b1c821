import SkeinPlatform
import Synchronization

/// A filter as flat memory: instructions that jump, and what they refer to. Nothing in it is counted or copied when it runs.
///
/// Immutable once made, but for the counter; hence any thread.
final class FilterProgram: @unchecked Sendable {
    /// One statement about one field, and where it leads.
    struct Instruction {
        enum Operation: UInt8 {
            case exists, oneOf, less, lessOrEqual, greater, greaterOrEqual, glob, expression
        }

        var operation: Operation
        var isNegated: Bool
        var root: EnvelopeKey
        var firstStep: Int32
        var stepCount: Int32
        /// Of literals, glob parts or expressions, by the operation.
        var first: Int32
        var count: Int32
        var onTrue: Int32
        var onFalse: Int32
    }

    /// A step of a path.
    struct Step {
        var name: UnsafeRawBufferPointer
        /// The name's first seven bytes, if it has no more; else 0.
        var word: UInt64
        /// The element of an array that it means, or −1.
        var index: Int
    }

    enum Literal {
        case number(FilterNumber)
        case text(UnsafeRawBufferPointer)
        case bool(Bool)
        case null
    }

    /// As ``GlobPart``.
    enum Part {
        case literal(UnsafeRawBufferPointer)
        case one
        case anything
        case set(UnsafeBufferPointer<ClosedRange<UInt32>>, isNegated: Bool)
    }

    static let accept: Int32 = -1
    static let reject: Int32 = -2

    private(set) var entry: Int32 = 0
    let instructions: UnsafeMutableBufferPointer<Instruction>
    let steps: UnsafeMutableBufferPointer<Step>
    let literals: UnsafeMutableBufferPointer<Literal>
    let parts: UnsafeMutableBufferPointer<Part>
    let expressions: UnsafeMutableBufferPointer<Unmanaged<RegularExpression>>
    private let pool: [UnsafeMutableRawBufferPointer]
    let overruns = Atomic<UInt64>(0)

    init(_ syntax: FilterSyntax) {
        var draft = FilterDraft()
        let entry = draft.emit(FilterDraft.ordered(syntax).syntax, onTrue: Self.accept, onFalse: Self.reject)
        instructions = Self.memory(draft.instructions)
        steps = Self.memory(draft.steps)
        literals = Self.memory(draft.literals)
        parts = Self.memory(draft.parts)
        expressions = Self.memory(draft.expressions.map(Unmanaged.passRetained))
        pool = draft.pool
        self.entry = entry
    }

    deinit {
        for expression in expressions { expression.release() }
        instructions.deallocate()
        steps.deallocate()
        literals.deallocate()
        parts.deallocate()
        expressions.deallocate()
        for bytes in pool { bytes.deallocate() }
    }

    private static func memory<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(elements.count, 1))
        let end = memory.initialize(fromContentsOf: elements)
        return UnsafeMutableBufferPointer(rebasing: memory[..<end])
    }
}
