public import SkeinBSON
import SkeinPickle

/// Turns a record's attributes into the second frame of Distlog's messages.
///
/// ```swift
/// struct Redacting: RecordSerializer {
///     let encoding: Character = "J"
///     func serialize(_ attributes: BSONDocument) -> [UInt8]? {
///         var attributes = attributes
///         attributes["hostname"] = "-"
///         return JSONRecordSerializer().serialize(attributes)
///     }
/// }
/// ```
/// Threads: called on any, also on several at once.
public protocol RecordSerializer: Sendable {
    /// The third letter of the topic: `J` for JSON, `P` for pickle, one of your own for what only your daemon reads. ASCII.
    var encoding: Character { get }

    /// The record as bytes; nil drops it, and it is counted.
    ///
    /// - Parameter attributes: as Python's `LogRecord` names them, with `hostname` and `context`.
    func serialize(_ attributes: BSONDocument) -> [UInt8]?
}

/// JSON, as Python's `json.dumps` writes it. Dates, UUIDs and decimals are text, bytes Base64. About 2 µs a record.
public struct JSONRecordSerializer: RecordSerializer {
    /// No settings.
    public init() {}

    public let encoding: Character = "J"

    public func serialize(_ attributes: BSONDocument) -> [UInt8]? { PlainJSON.encodeUTF8(attributes) }
}

/// A pickle of protocol 2 with plain values, which every Python loads without importing anything but `_codecs`, and that only for
/// bytes. Dates, UUIDs and decimals are text. About 1 µs a record.
public struct PickleRecordSerializer: RecordSerializer {
    /// No settings.
    public init() {}

    public let encoding: Character = "P"

    public func serialize(_ attributes: BSONDocument) -> [UInt8]? { PickleWriter.encode(attributes) }
}
