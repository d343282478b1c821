import SkeinBSON

/// Numbers and the three words.
extension PickleMachine {
    mutating func scalar(_ instruction: PickleInstruction) throws(PickleError) -> PickleNode {
        switch instruction {
        case .newTrue: return .bool(true)
        case .newFalse: return .bool(false)
        case .binaryInt: return .int(Int64(Int32(truncatingIfNeeded: try unsigned(4))))
        case .binaryInt1: return .int(Int64(try unsigned(1)))
        case .binaryInt2: return .int(Int64(try unsigned(2)))
        case .long1: return try long(slice(UInt64(byte())))
        case .long4:
            let length = Int32(truncatingIfNeeded: try unsigned(4))
            guard length >= 0 else { throw failure(.badValue, "a number of fewer than no bytes") }
            return try long(slice(UInt64(length)))
        case .binaryFloat:
            let bits = try unsigned(8)
            return .double(Double(bitPattern: bits.byteSwapped))
        case .int: return try decimalDigits(line(), isInt: true)
        case .long: return try decimalDigits(line(), isInt: false)
        case .float: return try float(line())
        default: return .null
        }
    }

    /// A whole number in two's complement, little-endian.
    private mutating func long(_ bytes: PickleBytes) throws(PickleError) -> PickleNode {
        let count = Int(bytes.count)
        if count == 0 { return .int(0) }
        let isNegative = input[Int(bytes.start) + count - 1] & 0x80 != 0
        if count <= 8 {
            var value: UInt64 = isNegative ? .max : 0
            for offset in (0..<count).reversed() {
                value = value << 8 | UInt64(input[Int(bytes.start) + offset])
            }
            return .int(Int64(bitPattern: value))
        }
        guard count <= 257 else { return .text(try keep("<int of \(8 * count) bits>")) }
        var magnitude = heap.withBytes(bytes) { Array($0) }
        if isNegative {
            var carry = true
            for index in magnitude.indices {
                magnitude[index] = ~magnitude[index]
                if carry { (magnitude[index], carry) = magnitude[index].addingReportingOverflow(1) }
            }
        }
        while magnitude.last == 0 { magnitude.removeLast() }
        guard magnitude.count <= 256 else { return .text(try keep("<int of \(8 * count) bits>")) }
        try charge(work: 16 * count)
        return try number((isNegative ? "-" : "") + Self.decimal(magnitude))
    }

    /// The decimal digits of a magnitude, little-endian. Quadratic, so for short ones.
    private static func decimal(_ magnitude: [UInt8]) -> String {
        var words = stride(from: 0, to: magnitude.count, by: 4).map { start in
            magnitude[start..<min(start + 4, magnitude.count)].reversed().reduce(UInt32(0)) {
                $0 << 8 | UInt32($1)
            }
        }
        var groups: [String] = []
        while !words.isEmpty {
            var remainder: UInt64 = 0
            for index in words.indices.reversed() {
                let part = remainder << 32 | UInt64(words[index])
                words[index] = UInt32(part / 1_000_000_000)
                remainder = part % 1_000_000_000
            }
            while words.last == 0 { words.removeLast() }
            let digits = String(remainder)
            groups.append(
                words.isEmpty ? digits : String(repeating: "0", count: 9 - digits.utf8.count) + digits)
        }
        return groups.isEmpty ? "0" : groups.reversed().joined()
    }

    /// A whole number by its digits: int64 if it fits, else decimal128 if it fits, else text.
    private mutating func number(_ digits: String) throws(PickleError) -> PickleNode {
        if let value = Int64(digits) { return .int(value) }
        // Not more of them where the last are zeros: 34 digits is a rule that one can remember.
        let count = digits.utf8.count - (digits.utf8.first == UInt8(ascii: "-") ? 1 : 0)
        if count <= 34, let value = BSONDecimal128(digits) { return .decimal(value) }
        return .text(try keep(digits))
    }

    /// `12`, `-12L`, and the bools of protocol 0 and 1, `00` and `01`.
    private mutating func decimalDigits(_ line: UnsafeRawBufferPointer, isInt: Bool) throws(PickleError)
        -> PickleNode
    {
        var line = line
        if isInt, line.count == 2, line[0] == UInt8(ascii: "0"),
            line[1] == UInt8(ascii: "0") || line[1] == UInt8(ascii: "1")
        {
            return .bool(line[1] == UInt8(ascii: "1"))
        }
        if line.last == UInt8(ascii: "L") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        var digits = line[...]
        if digits.first == UInt8(ascii: "-") || digits.first == UInt8(ascii: "+") {
            digits = digits.dropFirst()
        }
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            throw failure(.badValue, "a number that is none")
        }
        guard digits.count <= 617 else { return .text(try keep("<int of \(digits.count) digits>")) }
        let sign = line[0] == UInt8(ascii: "-") ? "-" : ""
        let significant = digits.drop { $0 == UInt8(ascii: "0") }
        return try number(significant.isEmpty ? "0" : sign + String(decoding: significant, as: UTF8.self))
    }

    private func float(_ line: UnsafeRawBufferPointer) throws(PickleError) -> PickleNode {
        let text = String(decoding: line.prefix(64), as: UTF8.self)
        switch text {
        case "nan", "-nan": return .double(.nan)
        case "inf": return .double(.infinity)
        case "-inf": return .double(-.infinity)
        default:
            let isPlain = text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || [
                        UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"),
                        UInt8(ascii: "E"),
                    ]
                    .contains(byte)
            }
            guard line.count <= 64, isPlain, let value = Double(text) else {
                throw failure(.badValue, "a number that is none")
            }
            return .double(value)
        }
    }
}
