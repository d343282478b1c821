import SkeinBSON

/// Finding the next event in bytes of which it is not known where a document begins.
///
/// A candidate's length must lead to a zero byte, its elements must end exactly there, and at its top it must look like
/// an event: a text `type`, a number `start` or `end`, and one of `id`, `host`, `body`. (Documents inside an event
/// are documents too, and must not be taken for one.)
///
/// The work is bounded whatever the bytes are: looking at a candidate costs its length, and the allowance for
/// that grows by ``gain`` for each byte passed.
struct DocumentSearch {
    private var allowance = initialAllowance

    private static let initialAllowance = 32 << 20
    private static let mostAllowance = 256 << 20
    private static let gain = 16

    /// The shortest document that has what an event needs.
    private static let shortest = 30
    private static let longest = 16 << 20

    enum Verdict: Equatable {
        case no
        /// An event of this length.
        case event(Int)
        /// Only with this many bytes there it could be told.
        case needs(Int)
    }

    /// Notes that bytes were passed over or read.
    mutating func passed(_ count: Int) {
        allowance = min(allowance + min(count, Self.mostAllowance) * Self.gain, Self.mostAllowance)
    }

    /// Pays for looking at a document of this length that turned out malformed.
    mutating func spend(_ count: Int) { allowance -= count }

    /// Whether an event begins where `bytes` begin. 1 ns for nearly all that is none.
    mutating func look(at bytes: UnsafeRawBufferPointer) -> Verdict {
        guard let length = BSONView.announcedLength(bytes), length >= Self.shortest, length <= Self.longest
        else { return .no }
        guard bytes.count > 4 else { return .needs(5) }
        guard BSONType(rawValue: bytes[4]) != nil, length <= allowance else { return .no }
        guard length <= bytes.count else { return .needs(length) }
        guard bytes[length - 1] == 0 else { return .no }
        allowance -= length
        return Self.isEvent(UnsafeRawBufferPointer(rebasing: bytes[..<length])) ? .event(length) : .no
    }

    private static func isEvent(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let view = BSONView(prefixOf: bytes) else { return false }
        var elements = view.makeElements()
        var hasType = false
        var hasTime = false
        var hasMore = false
        do throws(BSONError) {
            while let element = try elements.next() {
                if element.hasKey("type") {
                    hasType = hasType || element.textBytes() != nil
                } else if element.hasKey("start") || element.hasKey("end") {
                    hasTime = hasTime || element.number != nil
                } else if element.hasKey("id") || element.hasKey("host") || element.hasKey("body") {
                    hasMore = true
                }
            }
        } catch {
            return false
        }
        return hasType && hasTime && hasMore
    }
}
