import SkeinBSON
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

extension InletLoop {
    /// Answers requests: a REQ's `[id, empty, request]`, or a DEALER's without the empty frame.
    func receiveRequests(limit: Int) {
        do {
            for _ in 0..<limit {
                guard let message = try sockets.control.receiveMultipart(maximumFrames: 8) else { return }
                let frames = message.frames
                guard message.excess == 0, frames.count > 1, frames.count <= 3,
                    frames.count == 2 || frames[1].isEmpty, let body = frames.last
                else {
                    // Whoever it is, a REQ understands this, and others have no claim to more.
                    answer([frames[0], []], ControlAnswer.error("a request is one frame"))
                    continue
                }
                let envelope = Array(frames.dropLast())
                body.withUnsafeBytes { handle($0, envelope) }
            }
        } catch {
            parts.warner.warn("control", "control: \(error)")
        }
    }

    private func answer(_ envelope: [[UInt8]], _ document: BSONDocument) {
        do {
            _ = try sockets.control.sendMultipart(envelope + [document.bytes])
        } catch {
            // Whoever asked is gone.
            parts.warner.note("control: \(error)")
        }
    }

    private func handle(_ request: UnsafeRawBufferPointer, _ envelope: [[UInt8]]) {
        guard let command = ControlCommand(request: request) else {
            return answer(envelope, ControlAnswer.unknownCommand)
        }
        let timeout = (try? BSONView(request))?.first("timeout_ms")?.integer
        let reply = { [unowned self] document in answer(envelope, document) }
        switch command {
        case .streamPort: reply(ControlAnswer.port(parts.outlets.streamPort))
        case .collectPort: reply(ControlAnswer.port(sockets.ports.collect.first))
        case .deliverPort: reply(ControlAnswer.port(sockets.ports.deliver))
        case .httpPort: reply(ControlAnswer.port(nil))
        case .status: reply(statusReport())
        case .flush: flush(within: timeout, reply)
        case .rotate: rotate(within: timeout, reply)
        case .reload: reload(within: timeout, reply)
        case .forget:
            let name = (try? BSONView(request))?.first("name")?.text ?? ""
            background(timeout, reply) { [outlets = parts.outlets] in try outlets.forget(name) }
        case .shutdown: ask(parts.requests.shutdown, "be shut down", reply)
        }
    }

    private func ask(
        _ request: (@Sendable () throws -> Void)?, _ what: String, _ reply: (BSONDocument) -> Void
    ) {
        guard let request else {
            return reply(ControlAnswer.error("this collector cannot \(what) from outside"))
        }
        do {
            try request()
            reply(ControlAnswer.ok)
        } catch {
            reply(ControlAnswer.error("\(error)"))
        }
    }

    // MARK: What takes time

    /// Reads the configuration again, beside the inlets: outlets may have to end first.
    private func reload(within milliseconds: Int64?, _ reply: @escaping (BSONDocument) -> Void) {
        guard let request = parts.requests.reload else {
            return reply(ControlAnswer.error("this collector cannot reload its configuration from outside"))
        }
        background(milliseconds, reply, request)
    }

    /// Does something beside the inlets, and answers when it is done.
    private func background(
        _ milliseconds: Int64?, _ reply: @escaping (BSONDocument) -> Void,
        _ body: @escaping @Sendable () throws -> Void
    ) {
        do {
            let task = try BackgroundTask(body) { [wakeUp = parts.wakeUp] in wakeUp.signal() }
            wait(.task(task), milliseconds, reply)
        } catch {
            reply(ControlAnswer.error("cannot start a thread: \(error)"))
        }
    }

    /// Has everything that arrived made durable, and handed on by every outlet.
    func flush(
        within milliseconds: Int64?, isHandedOn: Bool = true, _ reply: @escaping (BSONDocument) -> Void
    ) {
        // What libzmq has already counts as arrived.
        let end = SystemClock.monotonicNanoseconds() + 1_000_000_000
        while receiveDeliveries(limit: 64) || receiveEvents(limit: 8192) {
            if SystemClock.monotonicNanoseconds() >= end { break }
        }
        isSyncUrgent = true
        wait(.flush(to: nil, isSynced: false, isHandedOn: isHandedOn), milliseconds, reply)
    }

    func rotate(within milliseconds: Int64?, _ reply: @escaping (BSONDocument) -> Void) {
        wait(.rotation(parts.outlets.rotate()), milliseconds, reply)
    }

    private func wait(
        _ kind: PendingAnswer.Kind, _ milliseconds: Int64?, _ reply: @escaping (BSONDocument) -> Void
    ) {
        guard pendingAnswers.count < 1000 else { return reply(ControlAnswer.error("too many wait already")) }
        let time = min(max(milliseconds ?? 30_000, 1), 3_600_000)
        let deadline = SystemClock.monotonicNanoseconds() + time * 1_000_000
        pendingAnswers.append(PendingAnswer(kind: kind, deadline: deadline, reply: reply))
    }

    /// Answers who waited long enough, one way or the other.
    func answerPending(_ now: Int64) {
        guard !pendingAnswers.isEmpty else { return }
        var waiting: [PendingAnswer] = []
        for pending in pendingAnswers {
            let behind: [String]
            switch pending.kind {
            case .flush(let target?, isSynced: true, let isHandedOn):
                behind = isHandedOn ? parts.outlets.flush(to: target) : []
            case .flush: behind = ["the journal"]
            case .rotation(let numbers): behind = parts.outlets.unrotated(numbers)
            case .task(let task):
                if case .failure(let error) = task.result {
                    pending.reply(ControlAnswer.error("\(error)"))
                    continue
                }
                behind = task.result == nil ? ["it still runs"] : []
            }
            if behind.isEmpty {
                pending.reply(ControlAnswer.ok)
            } else if now >= pending.deadline {
                pending.reply(ControlAnswer.error("not done in time: \(behind.joined(separator: "; "))"))
            } else {
                waiting.append(pending)
            }
        }
        pendingAnswers = waiting
    }
}
