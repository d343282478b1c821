import SkeinBSON

/// A header that is none of the protocol's: what is wrong with it, in words that show no content.
public struct DeliverMessageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the header, without its content.
    public let description: String
}

extension DeliverMessage {
    /// Reads a header from bytes that may hold anything.
    ///
    /// Keys may stand in any order; unknown keys are ignored; numbers may have any numeric type as long as they
    /// are whole. Names for people (`service`, `host`, `message`) are cut at 256 characters; longer
    /// lists and ids are errors. About 1 µs.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(DeliverMessageError) {
        guard bytes.count <= Self.maximumHeaderBytes else {
            throw DeliverMessageError(description: "a header of \(bytes.count) bytes")
        }
        let view: BSONView
        do {
            try BSONValidator.validate(bytes, maximumDepth: 8)
            view = try BSONView(bytes)
        } catch {
            throw DeliverMessageError(description: "a header that is no BSON document (\(error.code))")
        }
        self = try HeaderReader(view: view).message()
    }

    /// Reads a header from an array.
    public init(decoding bytes: [UInt8]) throws(DeliverMessageError) {
        let result = bytes.withUnsafeBytes { bytes in
            do throws(DeliverMessageError) {
                return Result<DeliverMessage, DeliverMessageError>.success(
                    try DeliverMessage(decoding: bytes))
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }
}

/// Takes the fields of a header, which is valid BSON, one by one.
private struct HeaderReader {
    let view: BSONView

    func message() throws(DeliverMessageError) -> DeliverMessage {
        guard let op = view.first("op")?.text else { throw bad("op") }
        switch op {
        case "HELLO":
            let version = try int32("v")
            guard version == DeliverMessage.version else {
                // Only what it takes to refuse it by name: the rest may be spelled otherwise.
                return .hello(
                    DeliverMessage.Hello(version: version, stream: try stream(), first: 1, durable: false))
            }
            return .hello(
                DeliverMessage.Hello(
                    version: version, stream: try stream(), first: try number("first", from: 1),
                    durable: try bool("durable"), service: name("service"), host: name("host"),
                    pid: Int32(clamping: view.first("pid")?.integer ?? 0), path: try path(),
                    anew: view.first("anew")?.bool ?? false, sparse: view.first("sparse")?.bool ?? false))
        case "BATCH":
            let first = try number("first", from: 1)
            let last = try number("last", from: first)
            let count = try number("count", from: 1)
            guard count - 1 <= last - first else { throw bad("count") }
            return .batch(
                DeliverMessage.Batch(
                    stream: try stream(), first: first, last: last, count: Int(clamping: count)))
        case "BYE":
            return .bye(DeliverMessage.Bye(stream: try stream(), last: try number("last", from: 0)))
        case "PING":
            return .ping
        case "WELCOME":
            return .welcome(
                DeliverMessage.Welcome(
                    version: try int32("v"), stream: try stream(), ack: try number("ack", from: 0),
                    window: Int(clamping: try number("window", from: 0)), collector: try id("collector")))
        case "ACK":
            return .acknowledge(
                DeliverMessage.Acknowledge(
                    stream: try stream(), ack: try number("ack", from: 0),
                    window: Int(clamping: try number("window", from: 0))))
        case "REFUSE":
            guard let reason = view.first("reason")?.text, reason.utf8.count <= 64 else {
                throw bad("reason")
            }
            return .refuse(
                DeliverMessage.Refuse(
                    stream: try optionalStream(), reason: RefuseReason(rawValue: reason),
                    at: try optionalNumber("at"),
                    count: try optionalNumber("count").map { max(1, Int(Int32(clamping: $0))) },
                    retryMilliseconds: try optionalNumber("retry_ms").map { Int32(clamping: $0) },
                    message: view.first("message") == nil ? nil : name("message")))
        case "GOODBYE":
            return .goodbye(DeliverMessage.Goodbye(stream: try optionalStream()))
        case "PONG":
            return .pong(DeliverMessage.Pong(collector: try id("collector")))
        default:
            return .unknown(op: String(op.prefix(32)))
        }
    }

    private func bad(_ key: String) -> DeliverMessageError {
        DeliverMessageError(description: "a header without a usable '\(key)'")
    }

    private func stream() throws(DeliverMessageError) -> StreamIdentity {
        guard let stream = try optionalStream() else { throw bad("stream") }
        return stream
    }

    private func optionalStream() throws(DeliverMessageError) -> StreamIdentity? {
        guard let element = view.first("stream") else { return nil }
        guard let bytes = element.binary?.bytes, let stream = StreamIdentity(bytes) else {
            throw bad("stream")
        }
        return stream
    }

    private func number(_ key: StaticString, from minimum: UInt64) throws(DeliverMessageError) -> UInt64 {
        guard let value = view.first(key)?.integer, let number = UInt64(exactly: value), number >= minimum
        else {
            throw bad("\(key)")
        }
        return number
    }

    private func optionalNumber(_ key: StaticString) throws(DeliverMessageError) -> UInt64? {
        view.first(key) == nil ? nil : try number(key, from: 0)
    }

    private func int32(_ key: StaticString) throws(DeliverMessageError) -> Int32 {
        guard let value = view.first(key)?.integer, let number = Int32(exactly: value) else {
            throw bad("\(key)")
        }
        return number
    }

    private func bool(_ key: StaticString) throws(DeliverMessageError) -> Bool {
        guard let value = view.first(key)?.bool else { throw bad("\(key)") }
        return value
    }

    /// A name for people: absent is empty, and too long is cut.
    private func name(_ key: StaticString) -> String {
        String((view.first(key)?.text ?? "").prefix(256))
    }

    /// An id that is compared.
    private func id(_ key: StaticString) throws(DeliverMessageError) -> String {
        guard let text = view.first(key)?.text, text.utf8.count <= 64 else { throw bad("\(key)") }
        return text
    }

    private func path() throws(DeliverMessageError) -> [String] {
        guard let element = view.first("path") else { return [] }
        guard element.type == .array, let view = element.document else { throw bad("path") }
        var path: [String] = []
        var elements = view.makeElements()
        while let step = elements.nextIfValid() {
            guard let id = step.text, id.utf8.count <= 64, path.count < 64 else { throw bad("path") }
            path.append(id)
        }
        return path
    }
}
