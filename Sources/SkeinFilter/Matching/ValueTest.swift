import SkeinPlatform
import Synchronization

/// One value against what an instruction asks of it.
enum ValueTest {
    @inline(__always)
    static func holds(
        _ program: FilterProgram, _ instruction: FilterProgram.Instruction, _ base: UnsafeRawPointer,
        _ place: ElementPlace
    ) -> Bool {
        let value = base + Int(place.start)
        switch instruction.operation {
        case .exists: return true
        case .oneOf:
            for index in 0..<Int(instruction.count)
            where equals(program.literals[Int(instruction.first) &+ index], value, place) {
                return true
            }
            return false
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard let comparison = compare(program.literals[Int(instruction.first)], value, place) else {
                return false
            }
            return order(instruction.operation, comparison)
        case .glob:
            guard let text = text(value, place) else { return false }
            return GlobMatch.matches(parts(program, instruction), text)
        case .expression:
            guard let text = text(value, place) else { return false }
            return matches(program, instruction, text)
        }
    }

    /// The computed duration of an event.
    static func holds(
        _ program: FilterProgram, _ instruction: FilterProgram.Instruction, elapsed: Double
    ) -> Bool {
        switch instruction.operation {
        case .exists: return true
        case .oneOf:
            let first = Int(instruction.first)
            return program.literals[first..<first + Int(instruction.count)].contains {
                if case .number(let number) = $0 { number.compare(elapsed) == 0 } else { false }
            }
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard case .number(let number) = program.literals[Int(instruction.first)],
                let comparison = number.compare(elapsed)
            else { return false }
            return order(instruction.operation, comparison)
        case .glob, .expression: return false
        }
    }

    @inline(__always)
    private static func order(_ operation: FilterProgram.Instruction.Operation, _ comparison: Int) -> Bool {
        switch operation {
        case .less: comparison < 0
        case .lessOrEqual: comparison <= 0
        case .greater: comparison > 0
        case .greaterOrEqual: comparison >= 0
        default: false
        }
    }

    private static func parts(
        _ program: FilterProgram, _ instruction: FilterProgram.Instruction
    ) -> UnsafeBufferPointer<FilterProgram.Part> {
        let first = Int(instruction.first)
        return UnsafeBufferPointer(
            rebasing: UnsafeBufferPointer(program.parts)[first..<first + Int(instruction.count)])
    }

    private static func matches(
        _ program: FilterProgram, _ instruction: FilterProgram.Instruction, _ text: UnsafeRawBufferPointer
    ) -> Bool {
        let outcome = program.expressions[Int(instruction.first)]._withUnsafeGuaranteedRef { $0.match(text) }
        if case .overrun = outcome { program.overruns.wrappingAdd(1, ordering: .relaxed) }
        if case .match = outcome { return true }
        return false
    }

    // MARK: Comparing

    @inline(__always)
    private static func equals(
        _ literal: FilterProgram.Literal, _ value: UnsafeRawPointer, _ place: ElementPlace
    ) -> Bool {
        switch literal {
        case .bool(let bool): place.kind == 0x08 && (value.load(as: UInt8.self) != 0) == bool
        case .null: place.kind == 0x0A || place.kind == 0x06
        case .text(let wanted):
            if let text = text(value, place), text.count == wanted.count, let left = text.baseAddress,
                let right = wanted.baseAddress
            {
                memcmp(left, right, text.count) == 0
            } else {
                false
            }
        case .number: compare(literal, value, place) == 0
        }
    }

    /// Below zero if the value is smaller than the literal; nil if the two have no order.
    @inline(__always)
    private static func compare(
        _ literal: FilterProgram.Literal, _ value: UnsafeRawPointer, _ place: ElementPlace
    ) -> Int? {
        switch literal {
        case .number(let number):
            switch place.kind {
            case 0x10: return number.compare(Int64(Int32(littleEndian: value.loadUnaligned(as: Int32.self))))
            case 0x12: return number.compare(Int64(littleEndian: value.loadUnaligned(as: Int64.self)))
            case 0x01:
                return number.compare(
                    Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))))
            case 0x09:
                return number.compare(milliseconds: Int64(littleEndian: value.loadUnaligned(as: Int64.self)))
            case 0x13: return compareDecimal(number, value)
            default: return nil
            }
        case .text(let wanted):
            guard let text = text(value, place), let left = text.baseAddress, let right = wanted.baseAddress
            else { return nil }
            let common = Int(memcmp(left, right, min(text.count, wanted.count)))
            return common != 0 ? common : text.count - wanted.count
        case .bool, .null: return nil
        }
    }

    @inline(never)
    private static func compareDecimal(_ number: FilterNumber, _ value: UnsafeRawPointer) -> Int? {
        let meaning = FilterDecimal.read(
            low: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)),
            high: UInt64(littleEndian: value.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        switch meaning {
        case .number(let decimal): return decimal.compare(number.decimal)
        case .infinity(let isNegative): return isNegative ? -1 : 1
        case .notANumber: return nil
        }
    }

    /// Text: a string, a symbol, or a binary of subtype 0, which is how Python 2 spells it.
    @inline(__always)
    private static func text(_ value: UnsafeRawPointer, _ place: ElementPlace) -> UnsafeRawBufferPointer? {
        let count = Int(place.end &- place.start)
        switch place.kind {
        case 0x02, 0x0E: return UnsafeRawBufferPointer(start: value + 4, count: count &- 5)
        case 0x05:
            guard value.load(fromByteOffset: 4, as: UInt8.self) == 0 else { return nil }
            return UnsafeRawBufferPointer(start: value + 5, count: count &- 5)
        default: return nil
        }
    }
}
