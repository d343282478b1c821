internal import CSkeinPCRE2
import Synchronization

/// A compiled expression of PCRE2, with limits under which any pattern ends on any text.
///
/// PCRE2's own match limit begins anew at each place where a match could begin, so that a harmless looking `\w*\d` needs time by the
/// square of the text. So steps are counted over the whole text, by a callout before each item of the pattern, which also counts the
/// bytes that a repeated item went over.
/// What runs over a limit depends on pattern and text alone, never on time: the same event gets the same answer again.
///
/// Any thread: the compiled code is only read. What a match writes to is lent to one thread at a time.
final class RegularExpression: @unchecked Sendable {
    /// Steps of one match, over the whole text.
    static let mostSteps = 1_000_000
    /// Backtracking points of one attempt.
    static let mostBacktracks: UInt32 = 1_000_000
    static let mostDepth: UInt32 = 10_000
    static let mostHeapKilobytes: UInt32 = 8192
    /// The longest text that is looked at.
    static let mostTextBytes = 64 << 10

    private let code: OpaquePointer
    /// Pairs of offsets that a match leaves: one, if only whether there is a match is asked.
    private let pairs: UInt32
    /// A scratch that nobody uses now, as its address; 0: none.
    private let spare = Atomic<UInt>(0)

    /// What a match writes to.
    private struct Scratch {
        var context: OpaquePointer
        var data: OpaquePointer
        var steps: skein_pcre2_steps
    }

    /// - Parameter captures: whether ``captures(_:_:)`` is to be asked.
    init(_ pattern: [UInt8], captures: Bool = false) throws(BadRegularExpression) {
        var failure: Int32 = 0
        var offset = 0
        let settings = pcre2_compile_context_create_8(nil)
        pcre2_set_parens_nest_limit_8(settings, 100)
        // Unicode, on bytes that may not be UTF-8; no \C, which would split characters.
        let options =
            PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT
        let compiled = pattern.withUnsafeBufferPointer {
            pcre2_compile_8($0.baseAddress, $0.count, options, &failure, &offset, settings)
        }
        pcre2_compile_context_free_8(settings)
        guard let compiled else {
            var text = [UInt8](repeating: 0, count: 256)
            let count = pcre2_get_error_message_8(failure, &text, text.count)
            let reason =
                count > 0 ? String(decoding: text.prefix(Int(count)), as: UTF8.self) : "error \(failure)"
            throw BadRegularExpression(
                message: "no regular expression: \(reason)", offset: min(offset, pattern.count))
        }
        code = compiled
        var groups: UInt32 = 0
        if captures { pcre2_pattern_info_8(compiled, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups) }
        pairs = groups + 1
    }

    deinit {
        if let scratch = UnsafeMutablePointer<Scratch>(bitPattern: spare.load(ordering: .acquiring)) {
            Self.free(scratch)
        }
        pcre2_code_free_8(code)
    }

    enum Outcome {
        case match, noMatch
        /// A limit was reached.
        case overrun
    }

    func match(_ text: UnsafeRawBufferPointer) -> Outcome {
        match(text) { _ in }
    }

    /// The groups that have names, with their numbers.
    var namedGroups: [(name: String, number: Int)] {
        var count: UInt32 = 0
        var size: UInt32 = 0
        var table: UnsafePointer<UInt8>?
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
        guard let table else { return [] }
        // Two bytes of the number, the name, a NUL.
        return (0..<Int(count)).map { index in
            let entry = table + index * Int(size)
            return (String(cString: entry + 2), Int(entry[0]) << 8 | Int(entry[1]))
        }
    }

    /// Matches, and lends the places of the groups, by their numbers: pairs of offsets, the greatest number for no place.
    func match(_ text: UnsafeRawBufferPointer, _ body: (UnsafeBufferPointer<Int>) -> Void) -> Outcome {
        guard text.count <= Self.mostTextBytes else { return .overrun }
        let address = spare.exchange(0, ordering: .acquiring)
        guard let scratch = UnsafeMutablePointer<Scratch>(bitPattern: address) ?? makeScratch() else {
            return .overrun
        }
        defer { giveBack(scratch) }
        scratch.pointee.steps = skein_pcre2_steps(left: Self.mostSteps, position: 0)
        let outcome = text.withMemoryRebound(to: UInt8.self) { bytes in
            pcre2_match_8(
                code, bytes.baseAddress, bytes.count, 0, 0, scratch.pointee.data, scratch.pointee.context)
        }
        if outcome >= 0 {
            if pairs > 1, let places = pcre2_get_ovector_pointer_8(scratch.pointee.data) {
                places.withMemoryRebound(to: Int.self, capacity: Int(pairs) * 2) {
                    body(UnsafeBufferPointer(start: $0, count: Int(pairs) * 2))
                }
            }
            return .match
        }
        return outcome == PCRE2_ERROR_NOMATCH ? .noMatch : .overrun
    }

    private func makeScratch() -> UnsafeMutablePointer<Scratch>? {
        guard let context = pcre2_match_context_create_8(nil) else { return nil }
        guard let data = pcre2_match_data_create_8(pairs, nil) else {
            pcre2_match_context_free_8(context)
            return nil
        }
        pcre2_set_match_limit_8(context, Self.mostBacktracks)
        pcre2_set_depth_limit_8(context, Self.mostDepth)
        pcre2_set_heap_limit_8(context, Self.mostHeapKilobytes)
        let scratch = UnsafeMutablePointer<Scratch>.allocate(capacity: 1)
        scratch.initialize(to: Scratch(context: context, data: data, steps: skein_pcre2_steps()))
        withUnsafeMutablePointer(to: &scratch.pointee.steps) {
            skein_pcre2_set_steps(context, $0)
        }
        return scratch
    }

    private func giveBack(_ scratch: UnsafeMutablePointer<Scratch>) {
        let other = spare.exchange(UInt(bitPattern: scratch), ordering: .acquiringAndReleasing)
        if let other = UnsafeMutablePointer<Scratch>(bitPattern: other) { Self.free(other) }
    }

    private static func free(_ scratch: UnsafeMutablePointer<Scratch>) {
        pcre2_match_data_free_8(scratch.pointee.data)
        pcre2_match_context_free_8(scratch.pointee.context)
        scratch.deallocate()
    }
}

/// Why a pattern is none.
struct BadRegularExpression: Error {
    let message: String
    /// Where in the pattern, in bytes.
    let offset: Int
}
