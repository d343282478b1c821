import CSkeinZeroMQ
import SkeinPlatform
import Synchronization

/// libzmq's I/O threads and the sockets on them.
///
/// **Threads**: the context may be used from any thread; a socket of it only from the one that made it.
/// **Life**: every socket keeps its context alive. When the last reference goes, a thread of its own waits for
/// what still lingers, so letting go never blocks; to wait for it, call ``terminate()``.
/// **fork**: a child must not touch an inherited context. Call ``forgetAfterFork()`` there, and make a new one.
public final class ZMQContext: @unchecked Sendable {
    // `pointer` is libzmq's context, which is thread-safe, and is freed once: by whoever moves `phase` from
    // .open. Socket creation holds the lock of `phase`, so none can begin on a freed context.
    private let pointer: UnsafeMutableRawPointer
    private let phase = Monitor(Phase.open)
    private let forgotten = Atomic<Bool>(false)

    private enum Phase { case open, terminated }

    /// Makes a context. Its threads start with its first socket.
    /// - Parameters:
    ///   - ioThreads: one carries about a gigabyte a second.
    ///   - maximumSockets: beyond it making a socket fails with `EMFILE`.
    public init(ioThreads: Int = 1, maximumSockets: Int = 1023) throws(ZMQError) {
        guard let pointer = zmq_ctx_new() else {
            throw ZMQError(code: zmq_errno(), operation: "make a context")
        }
        self.pointer = pointer
        try set(ZMQ_IO_THREADS, ioThreads, "set the I/O threads")
        try set(ZMQ_MAX_SOCKETS, maximumSockets, "set the maximum of sockets")
    }

    deinit {
        guard !isForgotten, phase.withLock({ $0 == .open }) else { return }
        // zmq_ctx_term waits for lingering messages, and a deinit may run on a thread that must not wait.
        let context = Doomed(pointer: pointer)
        if let thread = try? SystemThread(name: "zmq-term", { context.terminate() }) {
            thread.detach()
        } else {
            zmq_ctx_shutdown(pointer)
        }
    }

    /// The version of libzmq that is loaded, such as `4.3.5`.
    public static var libraryVersion: String {
        var major: Int32 = 0
        var minor: Int32 = 0
        var patch: Int32 = 0
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// Whether the libzmq that is loaded can do CURVE.
    public static var supportsCurve: Bool { zmq_has("curve") == 1 }

    /// Makes every blocking call on this context's sockets fail with `ETERM`, now and from now on. Does not wait.
    public func shutdown() {
        guard !isForgotten else { return }
        phase.withLock { if $0 == .open { zmq_ctx_shutdown(pointer) } }
    }

    /// Waits until every socket is closed and what lingers is sent or given up, then frees the context.
    ///
    /// Blocks: never call it on Swift's cooperative pool, nor while a socket of the context is held open by the
    /// calling thread. After it, making a socket fails with `ETERM`. A second call does nothing.
    public func terminate() {
        guard !isForgotten else { return }
        let mine = phase.withLock { phase in
            defer { phase = .terminated }
            return phase == .open
        }
        if mine { Doomed(pointer: pointer).terminate() }
    }

    /// In a forked child: lets go of the context and of every socket on it without touching them, since their
    /// threads stayed in the parent and their descriptors are shared with it. What they held is leaked.
    public func forgetAfterFork() {
        forgotten.store(true, ordering: .relaxed)
    }

    var isForgotten: Bool { forgotten.load(ordering: .relaxed) }

    func makeSocket(_ kind: ZMQSocketKind) throws(ZMQError) -> UnsafeMutableRawPointer {
        guard !isForgotten else {
            throw ZMQError(code: ZMQError.terminated, operation: "make a socket", subject: "after fork")
        }
        let (socket, code) = phase.withLock { phase -> (UnsafeMutableRawPointer?, Int32) in
            guard phase == .open else { return (nil, ZMQError.terminated) }
            let socket = zmq_socket(pointer, kind.rawValue)
            return (socket, socket == nil ? zmq_errno() : 0)
        }
        guard let socket else { throw ZMQError(code: code, operation: "make a socket", subject: "\(kind)") }
        return socket
    }

    private func set(_ option: Int32, _ value: Int, _ operation: String) throws(ZMQError) {
        guard let small = Int32(exactly: value), zmq_ctx_set(pointer, option, small) == 0 else {
            throw ZMQError(code: EINVAL, operation: operation, subject: "\(value)")
        }
    }

    /// A context that nobody else will free.
    private struct Doomed: @unchecked Sendable {  // libzmq's context is thread-safe
        let pointer: UnsafeMutableRawPointer

        func terminate() {
            while zmq_ctx_term(pointer) != 0 && zmq_errno() == EINTR {}
        }
    }
}
