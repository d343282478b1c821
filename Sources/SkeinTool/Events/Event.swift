import SkeinArchive
import SkeinBSON
import SkeinFilter
import SkeinWire

/// One event in borrowed bytes, with what is known of its envelope. Valid only while the bytes are.
///
/// A document that is no event (no type) is one here, too: it can be looked at.
struct Event {
    let bytes: UnsafeRawBufferPointer
    let envelope: EventEnvelope

    /// Nil for bytes that are no well-formed document.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var envelope = EventEnvelope()
        switch EventCheck.check(bytes, into: &envelope) {
        case nil, .noType, .badType: self.init(checked: bytes, envelope)
        default: return nil
        }
    }

    init(checked bytes: UnsafeRawBufferPointer, _ envelope: EventEnvelope) {
        self.bytes = bytes
        self.envelope = envelope
    }

    var view: BSONView? { BSONView(prefixOf: bytes) }

    /// The type as it may be shown; `-` without one.
    var type: String { shown(envelope.type) ?? "-" }
    var host: String? { shown(envelope.host) }
    var service: String? { text("service") }
    /// The id as it may be shown, also a numeric one.
    var id: String? { shown(envelope.id) ?? envelope.numericID.map { String($0) } }

    /// `end` − `start`, in seconds; nil if either is missing.
    var duration: Double? {
        guard let start = envelope.start, let end = envelope.end else { return nil }
        return end - start
    }

    /// Whether a log record.
    var isRecord: Bool { envelope.level != nil }

    /// Whether the live stream left the body out, since the event was too large for it.
    var isTruncated: Bool { view?.first("truncated")?.bool == true }

    var body: BSONView? { view?.first("body")?.document }

    /// The error of the body that threw: type and message as they may be shown.
    var error: (type: String, message: String)? {
        guard let error = view?.first("error") else { return nil }
        if let document = error.document {
            let part = { (key: String) in document.first(key).map { FieldText.of($0) } ?? "" }
            return (part("type"), part("message"))
        }
        return ("", FieldText.of(error))
    }

    /// Whether something failed: a thrown error, or a record of level error.
    var isFailure: Bool { (envelope.level ?? 0) >= 40 || view?.first("error") != nil }

    /// The field at a dotted path. It is looked for in the envelope, then in the body: `type`, `body.response.status`
    /// and `response.status` are all understood.
    func field(_ path: String) -> BSONElement? {
        view?.find(path: path) ?? body?.find(path: path)
    }

    /// A top-level text as it may be shown.
    func text(_ key: StaticString) -> String? {
        view?.first(key).flatMap { $0.textBytes() }.map { SafeText.of($0) }
    }

    private func shown(_ text: EventEnvelope.Text) -> String? {
        text.isPresent ? SafeText.of(text.bytes(in: bytes)) : nil
    }
}

extension Event {
    /// What is shown in place of a body that was left out.
    static let truncatedNote = "(too large for the live stream: look into the files)"
}

/// Which events are wanted.
struct EventSelection {
    var types = TypeSelection()
    /// Ids as they are written, a numeric one in decimal; empty: every id.
    var ids: [[UInt8]] = []
    var time = TimeSpan()
    /// What `--where` says; all of it must hold.
    var conditions: [EventFilter] = []

    /// Whether an event is as the conditions say. Its bytes need not have been checked.
    func holds(_ event: BSONView) -> Bool {
        for condition in conditions where !condition.matches(event) { return false }
        return true
    }

    /// Whether a document can be passed over unseen: a condition does not hold, and it is one document from end to end.
    @inline(__always)
    func passesOver(_ event: BSONView) -> Bool {
        for condition in conditions where condition.passesOver(event) { return true }
        return false
    }

    /// Whether an event is wanted, apart from the conditions.
    /// - Parameter fallback: the time of an event that has none: that of its file's day.
    func takes(_ bytes: UnsafeRawBufferPointer, _ envelope: EventEnvelope, fallback: Double?) -> Bool {
        if !types.isEverything, !types.matches(envelope.type.bytes(in: bytes)) { return false }
        if !ids.isEmpty, !takesID(bytes, envelope) { return false }
        if time.isEverything { return true }
        guard let instant = envelope.time ?? fallback else { return false }
        return time.contains(instant)
    }

    private func takesID(_ bytes: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool {
        if envelope.id.isPresent {
            let id = envelope.id.bytes(in: bytes)
            return ids.contains { id.elementsEqual($0) }
        }
        return envelope.numericID.map { number in ids.contains { $0.elementsEqual(String(number).utf8) } }
            ?? false
    }
}
