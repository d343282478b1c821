import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// Asks a collector at its control port. Confined to one thread.
struct ControlPort {
    let port: UInt16
    let context: ZMQContext

    /// The answer, or nil if none came in time. A socket for each question: one without an answer would be stuck.
    func ask(_ command: String, within limit: Duration) throws -> BSONDocument? {
        let socket = try ZMQSocket(.req, in: context)
        try socket.set([.linger(.zero)])
        try socket.connect("tcp://127.0.0.1:\(port)")
        var question = BSONDocument([("cmd", .string(command))])
        question.append("timeout_ms", .int64(Int64(limit / .milliseconds(1))))
        _ = try socket.send(question.bytes, wait: false)
        var poller = ZMQPoller()
        let item = poller.add(socket, for: .readable)
        let deadline = ContinuousClock.now + limit + .seconds(1)
        while ContinuousClock.now < deadline {
            try poller.wait(for: .milliseconds(100))
            if poller.isReady(item), let frames = try socket.receiveMultipart(maximumFrames: 1) {
                return try BSONDocument(validating: frames.frames[0])
            }
        }
        return nil
    }
}
