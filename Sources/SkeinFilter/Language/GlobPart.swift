/// A part of a glob.
enum GlobPart: Equatable {
    /// These bytes.
    case literal([UInt8])
    /// `?`: one character.
    case one
    /// `*`: anything, nothing too.
    case anything
    /// `[a-z]`, `[!a-z]`: one of these characters, or none of them.
    case set([ClosedRange<UInt32>], isNegated: Bool)

    /// Reads a glob.
    static func parse(_ pattern: [UInt8]) throws(BadFilterValue) -> [GlobPart] {
        var parts: [GlobPart] = []
        var literal: [UInt8] = []
        func flush() {
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = []
        }
        var scalars = String(decoding: pattern, as: UTF8.self).unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "*":
                flush()
                if parts.last != .anything { parts.append(.anything) }
            case "?":
                flush()
                parts.append(.one)
            case "[":
                flush()
                parts.append(try set(&scalars))
            case "\\":
                guard let escaped = scalars.popFirst() else {
                    throw BadFilterValue("expected a character behind the backslash at the glob's end")
                }
                literal += Array(String(Character(escaped)).utf8)
            default: literal += Array(String(Character(scalar)).utf8)
            }
        }
        flush()
        guard parts.count <= FilterLimits.globParts else {
            throw BadFilterValue("a glob of more than \(FilterLimits.globParts) parts")
        }
        return parts
    }

    private static func set(_ scalars: inout Substring.UnicodeScalarView) throws(BadFilterValue) -> GlobPart {
        var ranges: [ClosedRange<UInt32>] = []
        let isNegated = scalars.first == "!" || scalars.first == "^"
        if isNegated { scalars.removeFirst() }
        var isFirst = true
        while let scalar = scalars.popFirst() {
            // A ] that comes first is a character like others.
            if scalar == "]", !isFirst { return .set(ranges, isNegated: isNegated) }
            isFirst = false
            let low = try single(scalar, &scalars)
            guard scalars.first == "-", let after = scalars.dropFirst().first, after != "]" else {
                ranges.append(low...low)
                continue
            }
            scalars.removeFirst(2)
            let high = try single(after, &scalars)
            guard low <= high else { throw BadFilterValue("a range in [ ] whose end lies before its start") }
            ranges.append(low...high)
        }
        throw BadFilterValue("expected a ] that ends the set (a [ that stands for itself is \\[)")
    }

    private static func single(
        _ scalar: UnicodeScalar, _ scalars: inout Substring.UnicodeScalarView
    ) throws(BadFilterValue) -> UInt32 {
        guard scalar == "\\" else { return scalar.value }
        guard let escaped = scalars.popFirst() else {
            throw BadFilterValue("expected a character behind the backslash")
        }
        return escaped.value
    }
}
