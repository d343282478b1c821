import CSkeinZeroMQ
import SkeinPlatform
import Synchronization

/// Tells what becomes of a socket's connections. Confined to the socket's thread.
///
/// Read it steadily: events are queued without limit until then, since libzmq's I/O thread would wait otherwise, and all
/// sockets with it. Monitoring ends when the monitor or the socket goes.
public struct ZMQMonitor: ~Copyable {
    private let monitored: SocketCore
    private let pair: ZMQSocket

    private static let counter = Atomic<Int>(0)

    private init(monitored: SocketCore, pair: consuming ZMQSocket) {
        self.monitored = monitored
        self.pair = pair
    }

    static func start(_ socket: SocketCore, events: ZMQMonitorEvents) throws(ZMQError) -> ZMQMonitor {
        let number = counter.add(1, ordering: .relaxed).newValue
        let endpoint = "inproc://skein-monitor-\(number)"
        let pair = try ZMQSocket(.pair, in: socket.context)
        try pair.set(.receiveHighWaterMark(0))
        try socket.startMonitor(endpoint, events: events.rawValue)
        do {
            try pair.connect(endpoint)
        } catch {
            socket.stopMonitor()
            throw error
        }
        return ZMQMonitor(monitored: socket, pair: pair)
    }

    deinit {
        // First the writer: with its reader gone, libzmq's I/O thread would block on the next event.
        monitored.stopMonitor()
    }

    /// Ends the monitoring now instead of at the end of its scope.
    public consuming func stop() {}

    var core: SocketCore { pair.core }

    /// The next event, nil if there is none right now.
    public func next() throws(ZMQError) -> ZMQMonitorEvent? {
        guard let message = try pair.receiveMultipart(maximumFrames: 2) else { return nil }
        // Frame one: event (u16) and value (u32), in the machine's order. Frame two: the endpoint.
        let (event, value) = message.frames[0].withUnsafeBytes { bytes -> (UInt16, UInt32) in
            guard bytes.count >= 6 else { return (0, 0) }
            return (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self),
                bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
            )
        }
        let endpoint = message.frames.count > 1 ? String(decoding: message.frames[1], as: UTF8.self) : ""
        return ZMQMonitorEvent(event: event, value: value, endpoint: endpoint)
    }
}

extension ZMQSocket {
    /// Starts to tell of the socket's connections; call it before bind or connect, so that nothing is missed. One monitor
    /// a socket at a time.
    public func monitor(_ events: ZMQMonitorEvents = .all) throws(ZMQError) -> ZMQMonitor {
        try ZMQMonitor.start(core, events: events)
    }
}

/// Which events a monitor is told of.
public struct ZMQMonitorEvents: OptionSet, Sendable, Hashable {
    /// libzmq's `ZMQ_EVENT_…` bits.
    public let rawValue: Int32

    /// Events by libzmq's bits.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Everything.
    public static let all = Self(rawValue: Int32(ZMQ_EVENT_ALL))
    /// Connections that came up and went down, and attempts that failed.
    public static let connections = Self(
        rawValue: Int32(
            ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED
                | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED))
    /// How ZMTP's handshakes ended.
    public static let handshakes = Self(
        rawValue: Int32(
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH))
}

/// What became of a connection.
public struct ZMQMonitorEvent: Sendable, Hashable {
    /// What happened.
    public enum Kind: Sendable, Hashable {
        /// A TCP connection to the peer is made; the handshake follows.
        case connected
        /// The attempt to connect goes on in the background.
        case connectDelayed
        /// The attempt failed; the next follows after so many milliseconds.
        case connectRetried(milliseconds: Int)
        /// The socket is bound to the endpoint and listens.
        case listening
        /// The endpoint could not be bound.
        case bindFailed(errno: Int32)
        /// A peer connected to a bound endpoint; the handshake follows.
        case accepted
        /// A peer's connection could not be accepted.
        case acceptFailed(errno: Int32)
        /// The endpoint was closed: an attempt was given up, or a listener ended.
        case closed
        /// The endpoint's descriptor could not be closed.
        case closeFailed(errno: Int32)
        /// The connection broke, by either end.
        case disconnected
        /// Both ends agree: messages can flow.
        case handshakeSucceeded
        /// It ended without a reason, mostly because the peer closed the connection; `errno` where there is one.
        case handshakeFailed(errno: Int32)
        /// The peer speaks against the protocol, or is a socket of a kind that does not fit.
        case handshakeProtocolError(ZMQProtocolError)
        /// The authoriser of the other end said no, with a status such as 400.
        case handshakeRefused(status: Int)
        /// The last event: the socket closes, or the monitoring was ended.
        case monitorStopped
        /// One that this version does not know.
        case other(UInt16)
    }

    /// What happened.
    public let kind: Kind
    /// The value that came with it: a descriptor, an errno, milliseconds or a code.
    public let value: Int32
    /// The endpoint concerned, as libzmq spells it.
    public let endpoint: String

    init(event: UInt16, value rawValue: UInt32, endpoint: String) {
        let value = Int32(bitPattern: rawValue)
        kind =
            switch Int32(event) {
            case ZMQ_EVENT_CONNECTED: .connected
            case ZMQ_EVENT_CONNECT_DELAYED: .connectDelayed
            case ZMQ_EVENT_CONNECT_RETRIED: .connectRetried(milliseconds: Int(value))
            case ZMQ_EVENT_LISTENING: .listening
            case ZMQ_EVENT_BIND_FAILED: .bindFailed(errno: value)
            case ZMQ_EVENT_ACCEPTED: .accepted
            case ZMQ_EVENT_ACCEPT_FAILED: .acceptFailed(errno: value)
            case ZMQ_EVENT_CLOSED: .closed
            case ZMQ_EVENT_CLOSE_FAILED: .closeFailed(errno: value)
            case ZMQ_EVENT_DISCONNECTED: .disconnected
            case ZMQ_EVENT_MONITOR_STOPPED: .monitorStopped
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .handshakeSucceeded
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .handshakeFailed(errno: value)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                .handshakeProtocolError(ZMQProtocolError(rawValue: value))
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .handshakeRefused(status: Int(value))
            default: .other(event)
            }
        self.value = value
        self.endpoint = endpoint
    }
}

/// How a peer broke the protocol during the handshake.
public struct ZMQProtocolError: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// libzmq's `ZMQ_PROTOCOL_ERROR_…` number.
    public let rawValue: Int32

    /// An error by libzmq's number, known or not.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Metadata that does not fit: above all, a socket of the wrong kind at the other end.
    public static let invalidMetadata = Self(rawValue: ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA)
    /// One end asks for CURVE and the other does not.
    public static let mechanismMismatch = Self(rawValue: ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
    /// A key did not fit: mostly the wrong server key.
    public static let cryptographic = Self(rawValue: ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)

    public var description: String {
        switch self {
        case .invalidMetadata: "metadata that does not fit (a socket of another kind?)"
        case .mechanismMismatch: "a different security mechanism (CURVE at one end only?)"
        case .cryptographic: "a key that does not fit"
        default: "protocol error 0x" + String(UInt32(bitPattern: rawValue), radix: 16)
        }
    }
}
