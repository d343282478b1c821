import SkeinWire

/// A pattern of dotted keys: `**.password`, `request.headers.*`, `items.card_*`.
///
/// Its steps are globs over one key each (`*`, `?`; letters count whatever their case); `**` is any number of steps. A step of
/// an array's element may be left out. What does not begin with `**`, `body` or a key of the envelope is meant below the
/// body, as in the filter language.
struct KeyPattern: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case any
        /// In lowercase.
        case glob([UInt8])
    }

    let steps: [Step]

    /// Keys of an event that no rule may change.
    static let kept: Set<String> = [
        "id", "type", "host", "pid", "start", "end", "body", "span", "parent", "trace", "rate", "level",
    ]
    /// Keys of the envelope that may be changed.
    static let free: Set<String> = ["service", "error"]
    static let maximumSteps = 32

    init(_ text: String) throws(BadValue) {
        var words = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !text.isEmpty, words.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) }) else {
            throw BadValue(
                "\"\(text)\" is no pattern of keys", accepts: "steps with dots between them, as **.password")
        }
        guard words.count < Self.maximumSteps, text.utf8.count <= 1024 else {
            throw BadValue("\"\(text)\" is too long", accepts: "at most \(Self.maximumSteps - 1) steps")
        }
        let first = words[0]
        if words.count == 1 && Self.kept.contains(first) || Self.kept.contains(first) && first != "body" {
            throw BadValue(
                "\(first) is what makes an event, and no rule's to change",
                accepts: "keys of the body, error or service")
        }
        if first != "**" && first != "body" && !Self.free.contains(first) { words.insert("body", at: 0) }
        steps = words.map { $0 == "**" ? .any : .glob($0.utf8.map(Self.lower)) }
    }

    // MARK: Matching

    /// Bit n: the first n steps are matched.
    typealias State = UInt64

    var start: State { closed(1) }

    /// Whether all steps are matched.
    func isMatched(_ state: State) -> Bool { state >> UInt64(steps.count) & 1 == 1 }

    /// What is matched one key further down.
    func advance(_ state: State, _ key: UnsafeRawBufferPointer) -> State {
        var next: State = 0
        var left = state & ((1 << UInt64(steps.count)) - 1)
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left - 1
            switch steps[index] {
            case .any: next |= 1 << UInt64(index)
            case .glob(let glob):
                if Self.matches(glob, key) { next |= 1 << UInt64(index + 1) }
            }
        }
        return closed(next)
    }

    /// `**` may be no step at all.
    private func closed(_ state: State) -> State {
        var state = state
        for (index, step) in steps.enumerated() where step == .any && state >> UInt64(index) & 1 == 1 {
            state |= 1 << UInt64(index + 1)
        }
        return state
    }

    private static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// A glob of `*` and `?`, which is one character; linear in time but for one backtrack.
    private static func matches(_ glob: [UInt8], _ key: UnsafeRawBufferPointer) -> Bool {
        var (g, k) = (0, 0)
        var star: (g: Int, k: Int)?
        while k < key.count {
            if g < glob.count, glob[g] == UInt8(ascii: "*") {
                star = (g + 1, k)
                g += 1
            } else if g < glob.count, glob[g] == UInt8(ascii: "?") {
                g += 1
                k += 1
                while k < key.count, key[k] & 0xC0 == 0x80 { k += 1 }
            } else if g < glob.count, glob[g] == lower(key[k]) {
                g += 1
                k += 1
            } else if let back = star {
                star = (back.g, back.k + 1)
                (g, k) = (back.g, back.k + 1)
            } else {
                return false
            }
        }
        while g < glob.count, glob[g] == UInt8(ascii: "*") { g += 1 }
        return g == glob.count
    }
}
