import CSkeinZeroMQ
import SkeinPlatform

extension ZMQSocket {
    /// Takes the next frame.
    /// - Parameter wait: false: at once; true: up to the `receiveTimeout`. A signal does not end the waiting.
    /// - Returns: the frame, or nil if there is none.
    public func receive(wait: Bool = false) throws(ZMQError) -> ZMQMessage? {
        var message = ZMQMessage()
        while true {
            let size = skein_zmq_message_receive(&message.raw, core.handle, wait ? 0 : ZMQ_DONTWAIT)
            if size >= 0 { return message }
            let code = zmq_errno()
            if code == EINTR { continue }
            if code == EAGAIN { return nil }
            throw ZMQError(code: code, operation: "receive")
        }
    }

    /// Takes all frames of the next message, copied.
    ///
    /// Frames beyond `maximumFrames` are received and thrown away, so that a hostile peer cannot make the array
    /// long; ``ZMQFrames/excess`` tells how many there were.
    /// - Returns: the frames, or nil if there is no message.
    public func receiveMultipart(maximumFrames: Int = 16, wait: Bool = false) throws(ZMQError) -> ZMQFrames? {
        guard let first = try receive(wait: wait) else { return nil }
        var frames = ZMQFrames(frames: [first.bytes()], excess: 0)
        var hasMore = first.hasMore
        while hasMore {
            // libzmq delivers messages whole: the rest is there already.
            guard let next = try receive() else { break }
            hasMore = next.hasMore
            if frames.frames.count < maximumFrames {
                frames.frames.append(next.bytes())
            } else {
                frames.excess += 1
            }
        }
        return frames
    }

    /// Throws away the rest of a message that was received frame by frame, after a frame whose
    /// ``ZMQMessage/hasMore`` was true.
    /// - Returns: how many frames there were.
    @discardableResult
    public func discardRest() throws(ZMQError) -> Int {
        var count = 0
        while let message = try receive() {
            count += 1
            if !message.hasMore { break }
        }
        return count
    }
}

/// The frames of one message.
public struct ZMQFrames: Sendable, Hashable {
    /// The frames, at least one.
    public var frames: [[UInt8]]
    /// Frames beyond the maximum, which were thrown away.
    public var excess: Int
}
