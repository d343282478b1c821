import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

/// The sockets of the inlets and of the control port, with their monitors. Made, used and closed on the inlets' thread.
final class InletSockets {
    let control: ZMQSocket
    let collect: ZMQSocket
    let deliver: ZMQSocket
    let controlMonitor: ZMQMonitor
    let collectMonitor: ZMQMonitor
    let deliverMonitor: ZMQMonitor
    private(set) var ports = Collector.Ports()
    private var endpoints: (control: [String], collect: [String], deliver: [String]) = ([], [], [])

    /// A document of 16 to 64 MiB is kept in `rejected/`; above it libzmq closes the connection.
    private static let collectMaximumBytes = 64 << 20

    /// Makes the sockets and binds them.
    /// - Throws: one line with the port and the reason.
    init(
        _ configuration: CollectorConfiguration, curve: CurveSettings?, context: ZMQContext
    ) throws(CollectorError) {
        do {
            control = try ZMQSocket(.router, in: context)
            collect = try ZMQSocket(.pull, in: context)
            deliver = try ZMQSocket(.router, in: context)
            controlMonitor = try control.monitor([.connections, .handshakes])
            collectMonitor = try collect.monitor([.connections, .handshakes])
            deliverMonitor = try deliver.monitor([.connections, .handshakes])
            try Self.configure(
                control, .control, configuration, curve,
                [
                    .maximumMessageBytes(ControlCommand.maximumRequestBytes), .routerMandatory(true),
                    .receiveHighWaterMark(100), .sendHighWaterMark(100), .linger(.milliseconds(500)),
                ])
            try Self.configure(
                collect, .collect, configuration, curve,
                [
                    .maximumMessageBytes(Self.collectMaximumBytes), .receiveHighWaterMark(10_000),
                    .receiveBufferBytes(4 << 20),
                ])
            try Self.configure(
                deliver, .deliver, configuration, curve,
                [
                    .maximumMessageBytes(DeliverMessage.maximumBytes), .routerMandatory(true),
                    .receiveHighWaterMark(64), .sendHighWaterMark(1000), .receiveBufferBytes(4 << 20),
                    .linger(.milliseconds(500)),
                ])
        } catch {
            throw CollectorError(.resources, "\(error)")
        }
        ports.control = try Self.bind(control, configuration.control, "control", &endpoints.control)
        for address in configuration.collect {
            ports.collect.append(try Self.bind(collect, address, "collect", &endpoints.collect))
        }
        if let address = configuration.deliver {
            ports.deliver = try Self.bind(deliver, address, "deliver", &endpoints.deliver)
        }
    }

    /// Stops listening for events; what was received already can still be taken.
    func unbindInlets() {
        for endpoint in endpoints.collect { try? collect.unbind(endpoint) }
        for endpoint in endpoints.deliver { try? deliver.unbind(endpoint) }
        endpoints.collect = []
        endpoints.deliver = []
    }

    /// Options that must be set before a bind.
    private static func configure(
        _ socket: borrowing ZMQSocket, _ port: CollectorConfiguration.Port,
        _ configuration: CollectorConfiguration, _ curve: CurveSettings?, _ options: [ZMQOption]
    ) throws(ZMQError) {
        try socket.set(options)
        try PortSecurity.apply(to: socket, port, configuration, curve)
    }

    private static func bind(
        _ socket: borrowing ZMQSocket, _ address: ListenAddress, _ name: String, _ endpoints: inout [String]
    ) throws(CollectorError) -> Int {
        do {
            endpoints.append(try socket.bind(address.endpoint))
        } catch {
            throw PortSecurity.cannotListen(address, name, error)
        }
        return socket.boundPort ?? Int(address.port)
    }
}

/// What every listening port has in common.
enum PortSecurity {
    /// Sets what must be set before a bind: silence limits, and keys where there are any.
    static func apply(
        to socket: borrowing ZMQSocket, _ port: CollectorConfiguration.Port,
        _ configuration: CollectorConfiguration, _ curve: CurveSettings?
    ) throws(ZMQError) {
        try socket.set(
            .ipv6(true), .backlog(1024), .handshakeInterval(.seconds(10)), .tcpKeepalive(true),
            .tcpKeepaliveIdle(seconds: 60))
        guard let curve, !configuration.insecure.contains(port) else { return }
        try socket.set(ZMQOption.curveServer(secretKey: curve.keys.secretKey))
        try socket.set(.zapDomain("skeind"))
    }

    static func cannotListen(_ address: ListenAddress, _ name: String, _ error: ZMQError) -> CollectorError {
        CollectorError(
            .port, "cannot listen on \(address) (\(name)): \(SystemError(code: error.code))")
    }
}
