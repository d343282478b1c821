import SkeinBSON
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

/// Listens on a collector's live stream for `skein.release`, on the shipper's thread, while the app holds anything.
///
/// Whatever it hears is hostile: bounded in size, number a round, and effect. A message that is missed (the stream is lossy) means that
/// detail is not let go, and nothing else.
final class ReleaseListener {
    private let source: ReleaseSource
    private let held: any HeldDetail
    private let curve: (keys: CurveKeyPair, server: CurveKey)?
    private let warn: (String) -> Void
    private var question: Question?
    private var stream: Stream?
    private var nextQuestion: Int64 = 0

    /// To the control port, until it is answered.
    private final class Question {
        let socket: ZMQSocket
        let deadline: Int64

        init(_ socket: consuming ZMQSocket, deadline: Int64) {
            self.socket = socket
            self.deadline = deadline
        }
    }

    private final class Stream {
        let socket: ZMQSocket
        let port: Int

        init(_ socket: consuming ZMQSocket, port: Int) {
            self.socket = socket
            self.port = port
        }
    }

    /// The collector may have started anew, with its stream on another port.
    private static let askingInterval: Int64 = 10_000_000_000
    private static let patience: Int64 = 5_000_000_000
    private static let messagesAtOnce = 256
    private static let type = Array(ReleaseEvent.type.utf8)

    init(
        _ source: ReleaseSource, _ held: any HeldDetail,
        curve: (keys: CurveKeyPair, server: CurveKey)?, warn: @escaping (String) -> Void
    ) {
        self.source = source
        self.held = held
        self.curve = curve
        self.warn = warn
    }

    var isWanted: Bool { held.isListening }

    /// When it has something to do.
    var nextDeadline: Int64? {
        guard isWanted else { return nil }
        return source.isStream ? nil : question?.deadline ?? nextQuestion
    }

    /// Asks, connects and takes what came.
    func tend(_ context: ZMQContext, now: Int64) {
        do throws(ZMQError) {
            if source.isStream {
                if stream == nil { try listen(source.endpoint.port, context) }
            } else {
                try ask(context, now)
            }
            try hear()
        } catch {
            warn("listening at \(source) for what other services let go: \(error)")
            close()
            nextQuestion = now + Self.patience
        }
    }

    func watch(_ poller: inout ZMQPoller) {
        if let question { _ = poller.add(question.socket, for: .readable) }
        if let stream { _ = poller.add(stream.socket, for: .readable) }
    }

    func close() {
        question = nil
        stream = nil
    }

    // MARK: Where the stream is

    private func ask(_ context: ZMQContext, _ now: Int64) throws(ZMQError) {
        if let question {
            if let frames = try question.socket.receiveMultipart(maximumFrames: 1) {
                self.question = nil
                nextQuestion = now + Self.askingInterval
                try take(frames, context)
            } else if now >= question.deadline {
                // A socket whose answer never came would be stuck.
                self.question = nil
                nextQuestion = now + Self.patience
            }
        } else if now >= nextQuestion {
            let socket = try ZMQSocket(.req, in: context)
            try socket.set(options + [.maximumMessageBytes(64 << 10)])
            try socket.connect(source.endpoint.address)
            _ = try socket.send(ControlCommand.streamPort.request.bytes)
            question = Question(socket, deadline: now + Self.patience)
        }
    }

    private func take(_ frames: ZMQFrames, _ context: ZMQContext) throws(ZMQError) {
        let port = frames.frames[0].withUnsafeBytes { bytes -> Int? in
            guard frames.excess == 0, BSONValidator.isValid(bytes), let view = try? BSONView(bytes) else {
                return nil
            }
            return ControlAnswer.port(in: view)
        }
        guard let port else {
            return warn(
                "\(source) tells no port of a live stream: what other services let go is not heard of here")
        }
        if stream?.port != port { try listen(port, context) }
    }

    private func listen(_ port: Int, _ context: ZMQContext) throws(ZMQError) {
        stream = nil
        let socket = try ZMQSocket(.sub, in: context)
        // An event of the stream has at most 256 KiB.
        try socket.set(
            options + [
                .subscribe(Self.type), .receiveHighWaterMark(1_000), .maximumMessageBytes(300 << 10),
                .reconnectIntervalMaximum(.seconds(10)),
            ])
        try socket.connect(source.endpoint.with("tcp", port: port))
        stream = Stream(socket, port: port)
    }

    private var options: [ZMQOption] {
        [.linger(.zero), .ipv6(source.endpoint.isIPv6)]
            + (curve.map { ZMQOption.curveClient($0.keys, server: $0.server) } ?? [])
    }

    // MARK: What it says

    private func hear() throws(ZMQError) {
        guard let stream else { return }
        for _ in 0..<Self.messagesAtOnce {
            guard let message = try stream.socket.receiveMultipart(maximumFrames: 2) else { return }
            // A subscription is a prefix: other types may begin so.
            guard message.frames[0] == Self.type else { continue }
            guard message.frames.count == 2, message.excess == 0,
                let id = message.frames[1].withUnsafeBytes({ ReleaseEvent.id(in: $0) })
            else {
                held.countBad()
                continue
            }
            held.release(id: id)
        }
    }
}
