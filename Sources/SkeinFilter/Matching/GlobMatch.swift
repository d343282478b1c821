import SkeinPlatform

/// Whether a text is as a glob says. Only the last `*` is ever tried at another place, so the work is at most the text's length
/// times the glob's.
enum GlobMatch {
    static func matches(
        _ parts: UnsafeBufferPointer<FilterProgram.Part>, _ text: UnsafeRawBufferPointer
    ) -> Bool {
        var part = 0
        var place = 0
        /// The part behind the last `*`, and where it is tried next.
        var star: Int?
        var starPlace = 0
        while true {
            if part < parts.count {
                if case .anything = parts[part] {
                    part += 1
                    if part == parts.count { return true }
                    star = part
                    guard let first = candidate(parts, part, text, from: place) else { return false }
                    starPlace = first
                    place = first
                    continue
                }
                if let length = length(of: parts[part], at: place, in: text) {
                    part += 1
                    place += length
                    continue
                }
            } else if place == text.count {
                return true
            }
            guard let again = star, starPlace < text.count,
                let next = candidate(parts, again, text, from: starPlace + characterLength(text, starPlace))
            else { return false }
            starPlace = next
            place = next
            part = again
        }
    }

    /// The first place from which the rest of the glob could match.
    private static func candidate(
        _ parts: UnsafeBufferPointer<FilterProgram.Part>, _ part: Int, _ text: UnsafeRawBufferPointer,
        from start: Int
    ) -> Int? {
        guard start <= text.count else { return nil }
        guard case .literal(let literal) = parts[part], let base = text.baseAddress,
            let bytes = literal.baseAddress
        else { return start }
        if part == parts.count - 1 {
            let place = text.count - literal.count
            return place >= start ? place : nil
        }
        var place = start
        while literal.count <= text.count - place,
            let found = memchr(base + place, Int32(literal[0]), text.count - place - literal.count + 1)
        {
            place = UnsafeRawPointer(found) - base
            if memcmp(found, bytes, literal.count) == 0 { return place }
            place += 1
        }
        return nil
    }

    /// How many bytes of the text a part takes; nil if it does not match there.
    @inline(__always)
    private static func length(of part: FilterProgram.Part, at place: Int, in text: UnsafeRawBufferPointer)
        -> Int?
    {
        switch part {
        case .literal(let literal):
            guard literal.count <= text.count - place, let base = text.baseAddress,
                let bytes = literal.baseAddress, memcmp(base + place, bytes, literal.count) == 0
            else { return nil }
            return literal.count
        case .one: return place < text.count ? characterLength(text, place) : nil
        case .set(let ranges, let isNegated):
            guard place < text.count else { return nil }
            let length = characterLength(text, place)
            let value = scalar(text, place, length)
            return ranges.contains { $0.contains(value) } != isNegated ? length : nil
        case .anything: return nil
        }
    }

    /// The length of the character at a place; a byte that begins none is one by itself.
    @inline(__always)
    private static func characterLength(_ text: UnsafeRawBufferPointer, _ place: Int) -> Int {
        let lead = text[place]
        if lead < 0xC2 { return 1 }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1
        guard length <= text.count - place else { return 1 }
        for offset in 1..<max(length, 1) where text[place + offset] & 0xC0 != 0x80 { return 1 }
        return length
    }

    /// The number of the character; that of a byte that begins none lies beyond all characters.
    private static func scalar(_ text: UnsafeRawBufferPointer, _ place: Int, _ length: Int) -> UInt32 {
        let lead = UInt32(text[place])
        if length == 1 { return lead < 0x80 ? lead : 0x8000_0000 | lead }
        var value = lead & (0xFF >> UInt32(length + 1))
        for offset in 1..<length { value = value << 6 | UInt32(text[place + offset] & 0x3F) }
        return value
    }
}
