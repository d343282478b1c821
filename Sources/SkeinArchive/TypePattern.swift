/// A pattern of event types: `request` means that type alone, `request*` every type that begins so. A `*` may stand
/// anywhere and for any bytes, also none.
///
/// Types are compared byte by byte (as UTF-8), never as characters: two spellings of an accented letter differ.
public struct TypePattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as it was written.
    public let description: String
    /// What lies between the stars; one part if there is no star.
    private let parts: [[UInt8]]

    /// - Throws: ``ArchiveError/Code/badArgument`` for an empty pattern.
    public init(_ text: String) throws(ArchiveError) {
        guard !text.isEmpty else {
            throw ArchiveError(
                .badArgument, "an empty type pattern: write a type, or a type with *, as request*")
        }
        description = text
        parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(
            Array.init)
    }

    /// Whether only one type matches.
    public var isExact: Bool { parts.count == 1 }

    /// What every matching type begins with: the filter for a SUB socket. A superset of the types that match.
    public var prefix: [UInt8] { parts[0] }

    /// Whether the pattern matches a type. No allocation; linear for one star.
    public func matches(_ type: UnsafeRawBufferPointer) -> Bool {
        let first = parts[0]
        guard parts.count > 1 else { return type.elementsEqual(first) }
        let last = parts[parts.count - 1]
        guard type.count >= first.count + last.count, type.starts(with: first),
            type[(type.count - last.count)...].elementsEqual(last)
        else { return false }
        // What is between: each part at the first place that is left.
        var start = first.count
        let end = type.count - last.count
        for part in parts[1..<parts.count - 1] where !part.isEmpty {
            guard let found = Self.find(part, in: type, from: start, to: end) else { return false }
            start = found + part.count
        }
        return true
    }

    /// Whether the pattern matches a type.
    public func matches(_ type: String) -> Bool {
        var type = type
        return type.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    /// Whether a file of this stem can hold events of matching types. True too often, never too seldom: a
    /// shortened stem and `_other` always may.
    public func mayBeIn(stem: String) -> Bool {
        if stem == ArchivePath.otherStem { return true }
        if isExact { return Array(stem.utf8) == Array(ArchivePath.stem(type: description).utf8) }
        let isShortened = stem.utf8.dropLast(ArchivePath.hashSuffixBytes - 1).last == UInt8(ascii: "~")
        return isShortened || matches(stem)
    }

    private static func find(_ part: [UInt8], in bytes: UnsafeRawBufferPointer, from start: Int, to end: Int)
        -> Int?
    {
        var index = start
        while index + part.count <= end {
            if bytes[index..<index + part.count].elementsEqual(part) { return index }
            index += 1
        }
        return nil
    }
}

/// Several patterns, of which one must match; none at all matches every type.
public struct TypeSelection: Hashable, Sendable {
    /// A type is selected if one of these matches, or if there are none.
    public var patterns: [TypePattern]

    /// Without arguments every type.
    public init(_ patterns: [TypePattern] = []) {
        self.patterns = patterns
    }

    /// Whether every type is selected.
    public var isEverything: Bool { patterns.isEmpty }

    /// Whether a type, as UTF-8, is selected.
    public func matches(_ type: UnsafeRawBufferPointer) -> Bool {
        if patterns.isEmpty { return true }
        for pattern in patterns where pattern.matches(type) { return true }
        return false
    }

    /// Whether a file of this stem can hold events of the types selected.
    public func mayBeIn(stem: String) -> Bool {
        patterns.isEmpty || patterns.contains { $0.mayBeIn(stem: stem) }
    }
}
