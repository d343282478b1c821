import CSkeinZeroMQ
import SkeinPlatform
import Synchronization

extension ZMQSocket {
    /// Sends one frame, copied.
    ///
    /// When a later frame of a message answers false, the connection broke in the middle: the whole message was
    /// taken back, and must be sent again from its first frame.
    /// - Parameters:
    ///   - more: whether another frame of the same message follows.
    ///   - wait: false: at once; true: up to the `sendTimeout`. A signal does not end the waiting.
    /// - Returns: false if it would have blocked: no peer, or its queue is full.
    /// - Throws: ``ZMQError``: `EHOSTUNREACH` from a mandatory ROUTER whose peer is gone, `ETERM` after shutdown.
    public func send(
        _ bytes: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = false
    ) throws(ZMQError) -> Bool {
        try copyAndSend(bytes.baseAddress, bytes.count, more: more, wait: wait)
    }

    /// Sends one frame, copied.
    public func send(_ bytes: [UInt8], more: Bool = false, wait: Bool = false) throws(ZMQError) -> Bool {
        try copyAndSend(bytes, bytes.count, more: more, wait: wait)
    }

    /// Sends a frame that was received, without copying it.
    public func send(
        _ message: consuming ZMQMessage, more: Bool = false, wait: Bool = false
    ) throws(ZMQError) -> Bool {
        while true {
            let sent = skein_zmq_message_send(&message.raw, core.handle, Self.flags(more: more, wait: wait))
            if sent >= 0 { return true }
            if try isFinal(zmq_errno()) { return false }
        }
    }

    /// Sends one frame without copying: libzmq reads the caller's bytes later, on its own thread.
    ///
    /// Worth it from about 4 KiB on; below, the copy is cheaper than the bookkeeping.
    /// - Parameters:
    ///   - buffer: must stay readable and unchanged until `release` is called.
    ///   - release: called exactly once, on any thread, possibly before this returns: when the bytes were sent, given
    ///     up, or not taken at all (also when this returns false or throws). It must not block or touch a socket.
    /// - Returns: false if it would have blocked.
    public func send(
        zeroCopy buffer: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = false,
        release: @escaping @Sendable () -> Void
    ) throws(ZMQError) -> Bool {
        var message = ZMQMessage()
        let owner = Unmanaged.passRetained(ReleaseCall(body: release))
        let result = skein_zmq_message_init_data(
            &message.raw, UnsafeMutableRawPointer(mutating: buffer.baseAddress), buffer.count,
            { _, owner in
                guard let owner else { return }
                Unmanaged<ReleaseCall>.fromOpaque(owner).takeRetainedValue().make()
            }, owner.toOpaque())
        guard result == 0 else {
            let code = zmq_errno()
            owner.takeRetainedValue().make()
            throw ZMQError(code: code, operation: "make a message of", subject: "\(buffer.count) bytes")
        }
        // From here on the message owns the call: sending hands it over, else the message's end makes it.
        return try send(message, more: more, wait: wait)
    }

    /// Sends all frames of a message, copied; all of them or none.
    /// - Returns: false if it would have blocked; nothing was sent then.
    public func sendMultipart(_ frames: [[UInt8]], wait: Bool = false) throws(ZMQError) -> Bool {
        for (index, frame) in frames.enumerated() {
            guard try send(frame, more: index + 1 < frames.count, wait: wait) else { return false }
        }
        return true
    }

    private func copyAndSend(
        _ bytes: UnsafeRawPointer?, _ count: Int, more: Bool, wait: Bool
    ) throws(ZMQError) -> Bool {
        while true {
            let sent = zmq_send(core.handle, bytes, count, Self.flags(more: more, wait: wait))
            if sent >= 0 { return true }
            if try isFinal(zmq_errno()) { return false }
        }
    }

    private static func flags(more: Bool, wait: Bool) -> Int32 {
        (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
    }

    /// Whether a failed send is over (it would block), rather than to be tried again (a signal came).
    private func isFinal(_ code: Int32) throws(ZMQError) -> Bool {
        switch code {
        case EINTR: return false
        case EAGAIN: return true
        default: throw ZMQError(code: code, operation: "send")
        }
    }
}

/// The call that gives a buffer back, on its way through libzmq to another thread.
private final class ReleaseCall: Sendable {
    private let body: @Sendable () -> Void
    // libzmq hands messages over with barriers of its own, which no tool that checks us can see.
    private let handover = Atomic<Bool>(false)

    init(body: @escaping @Sendable () -> Void) {
        self.body = body
        handover.store(true, ordering: .releasing)
    }

    func make() {
        if handover.load(ordering: .acquiring) { body() }
    }
}
