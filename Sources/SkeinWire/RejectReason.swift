/// Why a collector does not take an event. The raw value is the word in ledgers, file names and answers.
public enum RejectReason: String, Error, Sendable, Hashable, CaseIterable {
    /// The bytes are no BSON document, or are truncated.
    case notBSON = "not_bson"
    /// Bytes follow the document in its frame.
    case trailingBytes = "trailing_bytes"
    /// More than ``EventCheck/maximumBytes``.
    case tooLarge = "too_large"
    /// No `type`, or one that is no text.
    case noType = "no_type"
    /// A `type` that is empty, too long, not UTF-8, or has a `/`, a control character or a leading dot.
    case badType = "bad_type"
    /// Frames of a protocol that is recognised and not spoken: BlueOx.
    case foreignProtocol = "foreign_protocol"
    /// A wrong number of frames.
    case badFrames = "bad_frames"
    /// Two frames of which the first is no topic of Distlog's.
    case badTopic = "bad_topic"
    /// A record that is no JSON.
    case badJSON = "bad_json"
    /// A record that is no pickle, or one that cannot be laid out within bounds.
    case badPickle = "bad_pickle"
    /// A record that is no object, or a log record without a message.
    case badRecord = "bad_record"
    /// An outlet's destination refused the event.
    case refusedByOutlet = "refused_by_outlet"
}
