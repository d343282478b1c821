import CSkeinZeroMQ
import SkeinPlatform

/// A socket option with its value, for ``ZMQSocket/set(_:)``. Most take effect on binds and connects that follow.
/// A `Duration` is rounded up to milliseconds; nil stands for "without end" or "the system's default".
public struct ZMQOption: Sendable, CustomStringConvertible {
    enum Value: Sendable {
        case int(Int32)
        case long(Int64)
        case bytes([UInt8])
    }

    let number: Int32
    let value: Value
    let label: String

    private init(_ number: Int32, _ label: String, _ value: Value) {
        self.number = number
        self.label = label
        self.value = value
    }

    private init(_ number: Int32, _ label: String, _ value: Int) {
        // What does not fit is left for libzmq to refuse: it takes no option below -1.
        self.init(number, label, .int(Int32(exactly: value) ?? Int32.min))
    }

    private init(_ number: Int32, _ label: String, _ value: Bool) {
        self.init(number, label, .int(value ? 1 : 0))
    }

    private init(_ number: Int32, _ label: String, _ value: Duration?) {
        self.init(number, label, .int(value.map(Self.milliseconds) ?? -1))
    }

    /// The option's name and value; of keys only the name.
    public var description: String {
        switch value {
        case .int(let value): "\(label) \(value)"
        case .long(let value): "\(label) \(value)"
        case .bytes(let bytes): "\(label) (\(bytes.count) bytes)"
        }
    }

    /// Milliseconds for libzmq: rounded up, at most what 32 bits hold.
    static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        guard seconds < 2_000_000 else { return Int32.max }
        let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: milliseconds)
    }
}

// Sending and receiving.
extension ZMQOption {
    /// How long a closed socket goes on sending what it still holds. Ours start with zero; nil: without end.
    public static func linger(_ time: Duration?) -> Self { Self(ZMQ_LINGER, "linger", time) }
    /// Messages (not bytes) queued for each peer before sending would block; 0: no limit. Default 1,000.
    public static func sendHighWaterMark(_ messages: Int) -> Self {
        Self(ZMQ_SNDHWM, "send high-water mark", messages)
    }
    /// Messages queued from each peer before its connection is no longer read; 0: no limit. Default 1,000.
    public static func receiveHighWaterMark(_ messages: Int) -> Self {
        Self(ZMQ_RCVHWM, "receive high-water mark", messages)
    }
    /// The kernel's send buffer in bytes.
    public static func sendBufferBytes(_ bytes: Int) -> Self { Self(ZMQ_SNDBUF, "send buffer", bytes) }
    /// The kernel's receive buffer in bytes.
    public static func receiveBufferBytes(_ bytes: Int) -> Self { Self(ZMQ_RCVBUF, "receive buffer", bytes) }
    /// A peer that sends a larger frame is disconnected. nil: no limit, never right for a port that strangers reach.
    public static func maximumMessageBytes(_ bytes: Int?) -> Self {
        Self(ZMQ_MAXMSGSIZE, "maximum message", .long(Int64(bytes ?? -1)))
    }
    /// How long a sending call with `wait: true` waits. nil (default): without end.
    public static func sendTimeout(_ time: Duration?) -> Self { Self(ZMQ_SNDTIMEO, "send timeout", time) }
    /// How long a receiving call with `wait: true` waits. nil (default): without end.
    public static func receiveTimeout(_ time: Duration?) -> Self {
        Self(ZMQ_RCVTIMEO, "receive timeout", time)
    }
    /// Queue only to connections whose handshake is done; without one, sending would block. What is queued for a
    /// connection that then breaks is lost.
    public static func immediate(_ on: Bool) -> Self { Self(ZMQ_IMMEDIATE, "immediate", on) }
    /// Keep only the newest message. For single-frame messages only.
    public static func conflate(_ on: Bool) -> Self { Self(ZMQ_CONFLATE, "conflate", on) }
}

// Patterns.
extension ZMQOption {
    /// SUB: take messages whose first frame begins with these bytes; none: all messages.
    public static func subscribe(_ prefix: [UInt8]) -> Self {
        Self(ZMQ_SUBSCRIBE, "subscribe", .bytes(prefix))
    }
    /// SUB: take back one ``subscribe(_:)`` of the same bytes.
    public static func unsubscribe(_ prefix: [UInt8]) -> Self {
        Self(ZMQ_UNSUBSCRIBE, "unsubscribe", .bytes(prefix))
    }
    /// ROUTER: a message to a peer that is gone fails with `EHOSTUNREACH`, to a full one would block, instead of both
    /// vanishing.
    public static func routerMandatory(_ on: Bool) -> Self {
        Self(ZMQ_ROUTER_MANDATORY, "router mandatory", on)
    }
    /// ROUTER: a new connection with a routing id in use takes it over instead of being refused.
    public static func routerHandover(_ on: Bool) -> Self { Self(ZMQ_ROUTER_HANDOVER, "router handover", on) }
    /// The id a ROUTER at the other end knows this socket by, 1 to 255 bytes, the first not 0.
    public static func routingID(_ bytes: [UInt8]) -> Self {
        Self(ZMQ_ROUTING_ID, "routing id", .bytes(bytes))
    }
    /// REQ: a new request may be sent before the last was answered; late answers to older ones are dropped.
    public static func requestRelaxed(_ on: Bool) -> Self { Self(ZMQ_REQ_RELAXED, "request relaxed", on) }
    /// REQ: match answers to requests by a number in a frame of its own. Goes with ``requestRelaxed(_:)``.
    public static func requestCorrelate(_ on: Bool) -> Self {
        Self(ZMQ_REQ_CORRELATE, "request correlate", on)
    }
    /// XPUB: tell the application of every subscription, not only of the first of each.
    public static func subscriptionsVerbose(_ on: Bool) -> Self { Self(ZMQ_XPUB_VERBOSE, "xpub verbose", on) }
    /// PUB and XPUB: would block at the high-water mark instead of dropping.
    public static func publishWithoutDrop(_ on: Bool) -> Self { Self(ZMQ_XPUB_NODROP, "xpub nodrop", on) }
}

// Connections.
extension ZMQOption {
    /// The pause before a broken connection is tried again. nil: it is not tried again.
    public static func reconnectInterval(_ time: Duration?) -> Self {
        Self(ZMQ_RECONNECT_IVL, "reconnect interval", time)
    }
    /// The pause doubles up to this; zero: it stays.
    public static func reconnectIntervalMaximum(_ time: Duration) -> Self {
        Self(ZMQ_RECONNECT_IVL_MAX, "reconnect interval maximum", time)
    }
    /// How long a TCP connection may take to be made; zero: the system's default.
    public static func connectTimeout(_ time: Duration) -> Self {
        Self(ZMQ_CONNECT_TIMEOUT, "connect timeout", time)
    }
    /// How long ZMTP's handshake may take; then the connection is dropped. Default 30 s.
    public static func handshakeInterval(_ time: Duration) -> Self {
        Self(ZMQ_HANDSHAKE_IVL, "handshake interval", time)
    }
    /// How often ZMTP pings the peer; zero: never.
    public static func heartbeatInterval(_ time: Duration) -> Self {
        Self(ZMQ_HEARTBEAT_IVL, "heartbeat interval", time)
    }
    /// How long after a ping the connection is given up.
    public static func heartbeatTimeout(_ time: Duration) -> Self {
        Self(ZMQ_HEARTBEAT_TIMEOUT, "heartbeat timeout", time)
    }
    /// How long the peer should wait for our next ping before it gives up.
    public static func heartbeatTimeToLive(_ time: Duration) -> Self {
        Self(ZMQ_HEARTBEAT_TTL, "heartbeat time to live", time)
    }
    /// TCP keepalive; nil: the system's default.
    public static func tcpKeepalive(_ on: Bool?) -> Self {
        Self(ZMQ_TCP_KEEPALIVE, "TCP keepalive", on.map { $0 ? 1 : 0 } ?? -1)
    }
    /// Seconds of silence before the first keepalive probe.
    public static func tcpKeepaliveIdle(seconds: Int) -> Self {
        Self(ZMQ_TCP_KEEPALIVE_IDLE, "TCP keepalive idle", seconds)
    }
    /// Seconds between keepalive probes.
    public static func tcpKeepaliveInterval(seconds: Int) -> Self {
        Self(ZMQ_TCP_KEEPALIVE_INTVL, "TCP keepalive interval", seconds)
    }
    /// Unanswered keepalive probes before the connection is given up.
    public static func tcpKeepaliveCount(_ probes: Int) -> Self {
        Self(ZMQ_TCP_KEEPALIVE_CNT, "TCP keepalive count", probes)
    }
    /// How long sent data may stay unacknowledged by the peer's TCP before the connection breaks; zero: the system's.
    public static func tcpRetransmitTimeout(_ time: Duration) -> Self {
        Self(ZMQ_TCP_MAXRT, "TCP retransmit timeout", time)
    }
    /// Connections that may wait to be accepted. Default 100.
    public static func backlog(_ connections: Int) -> Self { Self(ZMQ_BACKLOG, "backlog", connections) }
    /// Allow IPv6 (and IPv4) addresses.
    public static func ipv6(_ on: Bool) -> Self { Self(ZMQ_IPV6, "IPv6", on) }
}

// Security.
extension ZMQOption {
    /// Take only encrypted connections, as the owner of this secret key. Who may connect is for ``ZAPAuthoriser`` to say.
    public static func curveServer(secretKey: CurveKey) -> [Self] {
        [
            Self(ZMQ_CURVE_SERVER, "CURVE server", true),
            Self(ZMQ_CURVE_SECRETKEY, "CURVE secret key", .bytes(secretKey.bytes)),
        ]
    }
    /// Connect encrypted, with our pair of keys, only to the owner of the server's key.
    public static func curveClient(_ keys: CurveKeyPair, server: CurveKey) -> [Self] {
        [
            Self(ZMQ_CURVE_SERVERKEY, "CURVE server key", .bytes(server.bytes)),
            Self(ZMQ_CURVE_PUBLICKEY, "CURVE public key", .bytes(keys.publicKey.bytes)),
            Self(ZMQ_CURVE_SECRETKEY, "CURVE secret key", .bytes(keys.secretKey.bytes)),
        ]
    }
    /// The name of this socket in requests to the authoriser; without one, unencrypted connections are not asked about.
    public static func zapDomain(_ name: String) -> Self {
        Self(ZMQ_ZAP_DOMAIN, "ZAP domain", .bytes(Array(name.utf8)))
    }
}

extension ZMQSocket {
    /// Sets options, in order.
    /// - Throws: ``ZMQError`` naming the first option that was refused; those before it are set.
    public func set(_ options: ZMQOption...) throws(ZMQError) {
        try set(options)
    }

    /// Sets options, in order.
    public func set(_ options: [ZMQOption]) throws(ZMQError) {
        for option in options {
            let (result, code) =
                switch option.value {
                case .int(let value): setBytes(of: value, option)
                case .long(let value): setBytes(of: value, option)
                case .bytes(let bytes): bytes.withUnsafeBytes { setBytes($0, option) }
                }
            guard result == 0 else {
                throw ZMQError(code: code, operation: "set", subject: option.description)
            }
        }
    }

    private func setBytes(of value: some BitwiseCopyable, _ option: ZMQOption) -> (Int32, Int32) {
        withUnsafeBytes(of: value) { setBytes($0, option) }
    }

    private func setBytes(_ bytes: UnsafeRawBufferPointer, _ option: ZMQOption) -> (Int32, Int32) {
        let result = zmq_setsockopt(core.handle, option.number, bytes.baseAddress, bytes.count)
        return (result, result == 0 ? 0 : zmq_errno())
    }
}
