import SkeinPlatform
import SkeinZeroMQ

/// A socket with one connection, and the monitor that tells how it fares.
final class Link {
    let socket: ZMQSocket
    private let monitor: ZMQMonitor
    private var watch = ZMQConnectionWatch()
    /// Whether sending would have blocked when it was last tried.
    var wantsWritable = false

    /// Opens a socket and begins to connect.
    init(
        _ kind: ZMQSocketKind, to endpoint: Endpoint, in context: ZMQContext,
        configuration: Shipper.Configuration,
        reconnects: Bool
    ) throws(ZMQError) {
        let socket = try ZMQSocket(kind, in: context)
        try socket.set(
            .linger(.zero), .immediate(true), .sendBufferBytes(4 << 20), .receiveBufferBytes(4 << 20),
            .sendHighWaterMark(1000), .maximumMessageBytes(64 << 10), .connectTimeout(.seconds(5)),
            .handshakeInterval(.seconds(5)), .ipv6(endpoint.isIPv6),
            .reconnectInterval(reconnects ? .milliseconds(100) : nil))
        if reconnects { try socket.set(.reconnectIntervalMaximum(.seconds(10))) }
        if let curve = configuration.curve {
            try socket.set(ZMQOption.curveClient(curve.keys, server: curve.server))
        }
        monitor = try socket.monitor()
        try socket.connect(endpoint.address)
        self.socket = socket
    }

    /// What became of the connection since the last call, one thing at a time.
    func nextOutcome() -> ZMQConnectionWatch.Outcome? {
        while let event = try? monitor.next() {
            if let outcome = watch.take(event.kind) { return outcome }
        }
        return nil
    }

    func watch(_ poller: inout ZMQPoller, forReading: Bool) {
        _ = poller.add(monitor)
        var interest: ZMQReadiness = forReading ? .readable : []
        if wantsWritable { interest.insert(.writable) }
        if !interest.isEmpty { _ = poller.add(socket, for: interest) }
    }
}
