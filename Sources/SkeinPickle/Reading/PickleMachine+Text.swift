import SkeinBSON
import SkeinPlatform

/// Text and bytes.
extension PickleMachine {
    mutating func textOrBytes(_ instruction: PickleInstruction) throws(PickleError) -> PickleNode {
        switch instruction {
        case .shortBinaryUnicode: return try text(slice(UInt64(byte())))
        case .binaryUnicode: return try text(slice(unsigned(4)))
        case .binaryUnicode8: return try text(slice(unsigned(8)))
        case .shortBinaryString:
            let bytes = try slice(UInt64(byte()))
            return stringOfPython2(bytes)
        case .binaryString:
            let length = Int32(truncatingIfNeeded: try unsigned(4))
            guard length >= 0 else { throw failure(.badValue, "a text of fewer than no bytes") }
            let bytes = try slice(UInt64(length))
            return stringOfPython2(bytes)
        case .shortBinaryBytes: return .bytes(try slice(UInt64(byte())))
        case .binaryBytes: return .bytes(try slice(unsigned(4)))
        case .binaryBytes8, .byteArray8: return .bytes(try slice(unsigned(8)))
        case .string: return try quoted(line())
        default: return try escaped(line())
        }
    }

    /// UTF-8 in which lone surrogates may stand ("surrogatepass"), which become U+FFFD.
    private mutating func text(_ bytes: PickleBytes) throws(PickleError) -> PickleNode {
        if heap.withBytes(bytes, UTF8Validation.isValid) { return .text(bytes) }
        try charge(work: Int(bytes.count))
        let cleaned = heap.withBytes(bytes) { source -> [UInt8]? in
            var cleaned = Array(source)
            for index in source.indices.dropLast(2)
            where source[index] == 0xED && source[index + 1] & 0xE0 == 0xA0
                && source[index + 2] & 0xC0 == 0x80
            {
                cleaned.replaceSubrange(index..<index + 3, with: [0xEF, 0xBF, 0xBD])
            }
            return cleaned.withUnsafeBytes(UTF8Validation.isValid) ? cleaned : nil
        }
        guard let cleaned else { throw failure(.badValue, "a text that is not UTF-8") }
        return .text(heap.keep(cleaned))
    }

    /// A `str` of Python 2 is bytes that are mostly text.
    private func stringOfPython2(_ bytes: PickleBytes) -> PickleNode {
        heap.withBytes(bytes, UTF8Validation.isValid) ? .text(bytes) : .bytes(bytes)
    }

    /// A `str` of Python 2 as its `repr`: in quotes, with escapes.
    private mutating func quoted(_ line: UnsafeRawBufferPointer) throws(PickleError) -> PickleNode {
        guard line.count >= 2, let quote = line.first, quote == line.last,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else { throw failure(.badValue, "a text without its quotes") }
        try charge(work: line.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(line.count)
        var index = 1
        let end = line.count - 1
        while index < end {
            let byte = line[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard index < end else { throw failure(.badValue, "a text that ends in an escape") }
            let letter = line[index]
            index += 1
            switch letter {
            case UInt8(ascii: "a"): bytes.append(0x07)
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "v"): bytes.append(0x0B)
            case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): bytes.append(letter)
            case UInt8(ascii: "x"):
                guard let value = Self.digits(line, at: index, 2, radix: 16), index + 2 <= end else {
                    throw failure(.badValue, "an escape without its digits")
                }
                bytes.append(UInt8(truncatingIfNeeded: value))
                index += 2
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                var value = UInt32(letter - UInt8(ascii: "0"))
                for _ in 0..<2 where index < end {
                    guard let digit = Self.digits(line, at: index, 1, radix: 8) else { break }
                    value = value << 3 | digit
                    index += 1
                }
                bytes.append(UInt8(truncatingIfNeeded: value))
            default: bytes += [UInt8(ascii: "\\"), letter]
            }
        }
        // Kept first: a call takes its self before its arguments.
        let kept = heap.keep(bytes)
        return stringOfPython2(kept)
    }

    /// Text as protocol 0 has it ("raw-unicode-escape"): Latin-1, and `\uXXXX` or `\UXXXXXXXX` for what is beyond.
    private mutating func escaped(_ line: UnsafeRawBufferPointer) throws(PickleError) -> PickleNode {
        try charge(work: 2 * line.count)
        var scalars = String.UnicodeScalarView()
        var high: UInt32?
        func replacement(for value: UInt32) -> Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }
        var index = 0
        while index < line.count {
            var value = UInt32(line[index])
            index += 1
            if value == 0x5C, index < line.count {
                let letter = line[index]
                let count = letter == UInt8(ascii: "u") ? 4 : letter == UInt8(ascii: "U") ? 8 : 0
                index += 1
                if count > 0 {
                    guard let digits = Self.digits(line, at: index, count, radix: 16), digits < 0x11_0000
                    else {
                        throw failure(.badValue, "an escape without its digits")
                    }
                    value = digits
                    index += count
                } else {
                    if high.take() != nil { scalars.append("\u{FFFD}") }
                    scalars.append("\\")
                    value = UInt32(letter)
                }
            }
            if let first = high.take() {
                // Narrow builds of Python 2 wrote a pair.
                if value & 0xFFFF_FC00 == 0xDC00 {
                    scalars.append(replacement(for: 0x10000 + (first & 0x3FF) << 10 + value & 0x3FF))
                    continue
                }
                scalars.append("\u{FFFD}")
            }
            if value & 0xFFFF_FC00 == 0xD800 { high = value } else { scalars.append(replacement(for: value)) }
        }
        if high != nil { scalars.append("\u{FFFD}") }
        return .text(heap.keep(String(scalars)))
    }

    private static func digits(_ line: UnsafeRawBufferPointer, at start: Int, _ count: Int, radix: UInt32)
        -> UInt32?
    {
        guard start + count <= line.count else { return nil }
        var value: UInt32 = 0
        for index in start..<start + count {
            guard let digit = Character(Unicode.Scalar(line[index])).hexDigitValue, digit < radix else {
                return nil
            }
            value = value &* radix &+ UInt32(digit)
        }
        return value
    }
}
