public import SkeinBSON

/// What can be asked of a collector's control port (`Docs/WireFormat.md`, Control). The raw value is the word on the
/// wire; the first three and `STATUS` are Ziggy's.
public enum ControlCommand: String, Sendable, Hashable, CaseIterable {
    /// The port of the live stream.
    case streamPort = "SOCK_STREAM"
    /// The port of the collect socket.
    case collectPort = "SOCK_COLLECT"
    /// The port of the deliver socket.
    case deliverPort = "SOCK_DELIVER"
    /// The port of the HTTP API.
    case httpPort = "SOCK_HTTP"
    /// What the collector has seen, holds and does.
    case status = "STATUS"
    /// Answered once everything that had arrived is in every outlet.
    case flush = "FLUSH"
    /// Files are closed and begun anew.
    case rotate = "ROTATE"
    /// The configuration is read again.
    case reload = "RELOAD"
    /// An outlet that is no longer configured, `name`, is forgotten with all that waits for it.
    case forget = "FORGET"
    /// The collector drains and ends.
    case shutdown = "SHUTDOWN"

    /// The largest request.
    public static let maximumRequestBytes = 64 << 10

    /// The request document, `{cmd: …}`.
    public var request: BSONDocument {
        var builder = BSONBuilder(capacity: 64)
        builder.append("cmd", string: rawValue)
        return builder.finish()
    }

    /// Reads a request from bytes that may hold anything. `cmd` may be binary, as Python 2 spells text.
    ///
    /// - Returns: nil if it is no BSON document, has no `cmd`, or one that does not exist; all are answered
    ///   with ``ControlAnswer/unknownCommand``.
    public init?(request bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.maximumRequestBytes, BSONValidator.isValid(bytes),
            let view = try? BSONView(bytes), let word = view.first("cmd")?.text
        else { return nil }
        self.init(rawValue: word)
    }
}

/// The small answers of a control port. That of ``ControlCommand/status`` is the collector's own.
public enum ControlAnswer {
    /// `{ok: true}`
    public static var ok: BSONDocument {
        var builder = BSONBuilder(capacity: 16)
        builder.append("ok", bool: true)
        return builder.finish()
    }

    /// `{port: …}`; null when that socket does not exist.
    public static func port(_ port: Int?) -> BSONDocument {
        var builder = BSONBuilder(capacity: 32)
        if let port {
            builder.append("port", int32: Int32(clamping: port))
        } else {
            builder.appendNull("port")
        }
        return builder.finish()
    }

    /// `{error: …}`
    public static func error(_ message: String) -> BSONDocument {
        var builder = BSONBuilder(capacity: 64 + message.utf8.count)
        builder.append("error", string: message)
        return builder.finish()
    }

    /// What anything is answered that is no command.
    public static var unknownCommand: BSONDocument { error("Unknown Command") }

    /// The port in an answer, nil if it has none in 1 … 65,535.
    public static func port(in answer: BSONView) -> Int? {
        guard let port = answer.first("port")?.integer, (1...65_535).contains(port) else { return nil }
        return Int(port)
    }

    /// The message of an answer that tells of an error, nil if it does not.
    public static func error(in answer: BSONView) -> String? {
        answer.first("error")?.text
    }
}
