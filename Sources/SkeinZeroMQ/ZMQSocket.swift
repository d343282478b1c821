import CSkeinZeroMQ
import SkeinPlatform

/// What a socket does with messages; the pattern both ends must fit.
public enum ZMQSocketKind: Int32, Sendable {
    /// Both ways with exactly one other PAIR.
    case pair = 0
    /// Sends to all subscribers; drops what one is too slow for.
    case pub = 1
    /// Receives what it subscribed to of PUB or XPUB.
    case sub = 2
    /// Asks, then waits for the answer, in turns.
    case req = 3
    /// Answers one request at a time.
    case rep = 4
    /// Sends to its peers in turn, and receives from all of them.
    case dealer = 5
    /// Receives with the sender's routing id in front, and sends to the peer that the first frame names.
    case router = 6
    /// Receives from all its PUSH peers in turn.
    case pull = 7
    /// Sends to its PULL peers in turn; waits while none takes more.
    case push = 8
    /// As PUB, and receives the subscriptions as messages.
    case xpub = 9
    /// As SUB, and subscribes by sending messages.
    case xsub = 10
}

/// One ZeroMQ socket.
///
/// **Threads**: made, used and closed by one thread (libzmq's rule; it is not checked). It is not `Sendable`, so
/// make it on the thread that will use it, and wake that thread with a ``WakeUp``.
/// **Life**: unique; closed when it goes out of scope. Closing never blocks. A new socket lingers for 0 s:
/// what was not sent yet when it closes is given up, unless `.linger` says otherwise.
///
/// ```swift
/// let context = try ZMQContext()
/// let pull = try ZMQSocket(.pull, in: context)
/// let endpoint = try pull.bind("tcp://127.0.0.1:0")
/// let push = try ZMQSocket(.push, in: context)
/// try push.connect(endpoint)
/// _ = try push.send([1, 2, 3], wait: true)
/// let message = try pull.receive(wait: true)
/// ```
public struct ZMQSocket: ~Copyable {
    let core: SocketCore

    /// Makes a socket.
    /// - Throws: ``ZMQError``: `EMFILE` when the context's sockets or the process's files are used up, `ETERM` after
    ///   the context's end.
    public init(_ kind: ZMQSocketKind, in context: ZMQContext) throws(ZMQError) {
        let core = SocketCore(handle: try context.makeSocket(kind), kind: kind, context: context)
        // libzmq's own default is to linger without end.
        var linger: Int32 = 0
        zmq_setsockopt(core.handle, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        self.core = core
    }

    deinit {
        core.close()
    }

    /// Closes the socket now instead of at the end of its scope. Does not block.
    public consuming func close() {}

    /// What kind of socket it is.
    public var kind: ZMQSocketKind { core.kind }

    /// Listens on an endpoint, such as `tcp://127.0.0.1:3514`, `tcp://*:0` (any free port) or `inproc://name`.
    ///
    /// Options that matter to a connection (``ZMQOption/maximumMessageBytes(_:)``, buffers, CURVE) must be set before.
    /// - Returns: the endpoint as it was resolved, with the port that was taken for port 0.
    @discardableResult
    public func bind(_ endpoint: String) throws(ZMQError) -> String {
        try Self.checkPort(endpoint, "bind to")
        guard zmq_bind(core.handle, endpoint) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "bind to", subject: endpoint)
        }
        return try lastEndpoint
    }

    /// Connects to an endpoint, in the background: that nobody listens there is no error, and is retried
    /// as the reconnect options say. A name is resolved when the connection is tried, on an I/O thread.
    public func connect(_ endpoint: String) throws(ZMQError) {
        try Self.checkPort(endpoint, "connect to")
        guard zmq_connect(core.handle, endpoint) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "connect to", subject: endpoint)
        }
    }

    /// Stops listening on an endpoint, spelled as ``bind(_:)`` returned it.
    public func unbind(_ endpoint: String) throws(ZMQError) {
        guard zmq_unbind(core.handle, endpoint) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "unbind from", subject: endpoint)
        }
    }

    /// Ends the connection to an endpoint, spelled as it was given to ``connect(_:)``.
    public func disconnect(_ endpoint: String) throws(ZMQError) {
        guard zmq_disconnect(core.handle, endpoint) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "disconnect from", subject: endpoint)
        }
    }

    /// The endpoint of the last bind or connect, resolved; empty before the first.
    public var lastEndpoint: String {
        get throws(ZMQError) {
            let bytes = try core.getBytes(ZMQ_LAST_ENDPOINT, "read the endpoint", capacity: 1024)
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The TCP port of the last bind, nil if that was no TCP endpoint.
    public var boundPort: Int? {
        guard let endpoint = try? lastEndpoint, endpoint.hasPrefix("tcp://"),
            let colon = endpoint.lastIndex(of: ":")
        else { return nil }
        return Int(endpoint[endpoint.index(after: colon)...])
    }

    /// What can be done right now without waiting.
    public var readiness: ZMQReadiness {
        get throws(ZMQError) {
            ZMQReadiness(rawValue: Int16(truncatingIfNeeded: try core.getInt(ZMQ_EVENTS, "read the events")))
        }
    }

    /// The descriptor that becomes readable when ``readiness`` may have changed (edge-triggered: after it fires, and
    /// after each send or receive, `readiness` must be read until it is empty). ``ZMQPoller`` does that for you.
    public var descriptor: Int32 {
        get throws(ZMQError) { try core.getInt(ZMQ_FD, "read the descriptor") }
    }

    /// libzmq takes a port of more than 16 bits, and cuts it.
    private static func checkPort(_ endpoint: String, _ operation: String) throws(ZMQError) {
        guard endpoint.hasPrefix("tcp://"), let colon = endpoint.lastIndex(of: ":"),
            let port = Int(endpoint[endpoint.index(after: colon)...]), !(0...65_535).contains(port)
        else { return }
        throw ZMQError(code: EINVAL, operation: operation, subject: endpoint)
    }

    /// Lends libzmq's own handle for a call that this module does not wrap. It must not leave the closure.
    public func withHandle<Result, Failure: Error>(
        _ body: (UnsafeMutableRawPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(core.handle)
    }
}

/// The handle behind a socket, shared with its monitor and the pollers that watch it, so that none of them can
/// touch it after it was closed. Confined to the socket's thread.
final class SocketCore {
    let kind: ZMQSocketKind
    let context: ZMQContext
    private let pointer: UnsafeMutableRawPointer
    private(set) var isClosed = false
    private var isMonitored = false

    init(handle: UnsafeMutableRawPointer, kind: ZMQSocketKind, context: ZMQContext) {
        pointer = handle
        self.kind = kind
        self.context = context
    }

    var handle: UnsafeMutableRawPointer {
        precondition(
            !isClosed, "a ZMQPoller or ZMQMonitor outlived its socket: drop it before the socket closes")
        return pointer
    }

    func close() {
        guard !isClosed else { return }
        stopMonitor()
        isClosed = true
        // After a fork the socket's pipes to the parent's threads are still shared: closing would write there.
        if !context.isForgotten { zmq_close(pointer) }
    }

    func startMonitor(_ endpoint: String, events: Int32) throws(ZMQError) {
        guard zmq_socket_monitor(handle, endpoint, events) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "monitor a socket on", subject: endpoint)
        }
        isMonitored = true
    }

    func stopMonitor() {
        guard isMonitored, !isClosed else { return }
        isMonitored = false
        if !context.isForgotten { _ = zmq_socket_monitor(pointer, nil, 0) }
    }

    func getInt(_ option: Int32, _ operation: String) throws(ZMQError) -> Int32 {
        var value: Int32 = 0
        var size = MemoryLayout<Int32>.size
        guard zmq_getsockopt(handle, option, &value, &size) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: operation)
        }
        return value
    }

    func getBytes(_ option: Int32, _ operation: String, capacity: Int) throws(ZMQError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            var size = capacity
            if zmq_getsockopt(handle, option, buffer.baseAddress, &size) == 0 {
                count = size
            } else {
                code = zmq_errno()
            }
        }
        if code != 0 { throw ZMQError(code: code, operation: operation) }
        return bytes
    }
}
