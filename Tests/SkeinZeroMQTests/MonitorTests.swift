import SkeinPlatform
import SkeinZeroMQ
import Testing

@Suite struct MonitorTests {
    @Test func `both ends hear of connection, handshake and its end`() throws {
        let context = try ZMQContext()
        let router = try ZMQSocket(.router, in: context)
        let server = try router.monitor()
        let endpoint = try router.bind("tcp://127.0.0.1:0")
        do {
            let dealer = try ZMQSocket(.dealer, in: context)
            let client = try dealer.monitor()
            try dealer.connect(endpoint)
            try expect(.connected, from: client)
            try expect(.handshakeSucceeded, from: client)
            try expect(.accepted, from: server)
            try expect(.handshakeSucceeded, from: server)
        }
        try expect(.disconnected, from: server)
    }

    /// What tells a collect port from a deliver port.
    @Test(arguments: [(ZMQSocketKind.dealer, ZMQSocketKind.pull), (.push, .router), (.dealer, .pub)])
    func `a socket of the wrong kind at the other end is recognised`(
        _ near: ZMQSocketKind, _ far: ZMQSocketKind
    ) throws {
        let context = try ZMQContext()
        let server = try ZMQSocket(far, in: context)
        let endpoint = try server.bind("tcp://127.0.0.1:0")
        for _ in 0..<50 {
            let client = try ZMQSocket(near, in: context)
            let monitor = try client.monitor()
            try client.connect(endpoint)
            #expect(try outcome(of: monitor) == .wrongKind)
        }
    }

    @Test(arguments: [(ZMQSocketKind.dealer, ZMQSocketKind.router), (.push, .pull)])
    func `a socket of the right kind at the other end is recognised, and its end`(
        _ near: ZMQSocketKind, _ far: ZMQSocketKind
    ) throws {
        let context = try ZMQContext()
        let client = try ZMQSocket(near, in: context)
        let monitor = try client.monitor()
        do {
            let server = try ZMQSocket(far, in: context)
            try client.connect(try server.bind("tcp://127.0.0.1:0"))
            #expect(try outcome(of: monitor) == .ready)
        }
        try expect(.disconnected, from: monitor)
    }

    @Test func `what is no ZeroMQ socket is recognised`() throws {
        let listener = try PlainListener()
        let context = try ZMQContext()
        let client = try ZMQSocket(.dealer, in: context)
        let monitor = try client.monitor()
        try client.connect("tcp://127.0.0.1:\(listener.port)")
        let connection = accept(listener.descriptor, nil, nil)
        #expect(connection >= 0)
        _ = "HTTP/1.1 400 Bad Request\r\n\r\n".withCString { write(connection, $0, 28) }
        _ = close(connection)
        #expect(try outcome(of: monitor) == .handshakeFailed)
    }

    @Test func `nobody there is recognised`() throws {
        let context = try ZMQContext()
        let client = try ZMQSocket(.dealer, in: context)
        try client.set(.reconnectInterval(nil))
        let monitor = try client.monitor()
        try client.connect("tcp://127.0.0.1:1")
        #expect(try outcome(of: monitor) == .unreachable)
    }

    @Test func `nobody there: the attempt is closed and repeated`() throws {
        let context = try ZMQContext()
        let dealer = try ZMQSocket(.dealer, in: context)
        try dealer.set(.reconnectInterval(.milliseconds(7)))
        let monitor = try dealer.monitor(.connections)
        try dealer.connect("tcp://127.0.0.1:1")
        try expect(.closed, from: monitor)
        try expect(from: monitor, "a retry") { if case .connectRetried = $0 { true } else { false } }
    }

    @Test func `a monitor nobody reads stops nothing`() throws {
        let context = try ZMQContext()
        let router = try ZMQSocket(.router, in: context)
        let unread = try router.monitor()
        let endpoint = try router.bind("tcp://127.0.0.1:0")
        for _ in 0..<700 {  // over a thousand events
            let dealer = try ZMQSocket(.dealer, in: context)
            try dealer.connect(endpoint)
            #expect(try dealer.send([1], wait: true))
            #expect(try router.receiveMultipart(wait: true)?.frames.last == [1])
        }
        unread.stop()
        let dealer = try ZMQSocket(.dealer, in: context)
        try dealer.connect(endpoint)
        #expect(try dealer.send([2], wait: true))
        #expect(try router.receiveMultipart(wait: true)?.frames.last == [2])
    }

    @Test func `the socket may go before its monitor, and the monitor before its socket`() throws {
        let context = try ZMQContext()
        let endpoint: String
        let monitor: ZMQMonitor
        do {
            let router = try ZMQSocket(.router, in: context)
            monitor = try router.monitor()
            endpoint = try router.bind("tcp://127.0.0.1:0")
        }
        try expect(.monitorStopped, from: monitor)
        let dealer = try ZMQSocket(.dealer, in: context)
        do { _ = try dealer.monitor() }
        let again = try dealer.monitor()
        let router = try ZMQSocket(.router, in: context)
        _ = endpoint
        try dealer.connect(try router.bind("tcp://127.0.0.1:0"))
        try expect(.handshakeSucceeded, from: again)
    }
}

/// What the first decisive event of a monitor means, within ten seconds.
func outcome(of monitor: borrowing ZMQMonitor) throws -> ZMQConnectionWatch.Outcome? {
    let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
    var watch = ZMQConnectionWatch()
    while SystemClock.monotonicNanoseconds() < deadline {
        var poller = ZMQPoller()
        _ = poller.add(monitor)
        try poller.wait(for: .milliseconds(500))
        while let event = try monitor.next() {
            if let outcome = watch.take(event.kind) { return outcome }
        }
    }
    return nil
}

/// A TCP listener on a free port of the loopback.
final class PlainListener {
    let descriptor: Int32
    let port: Int

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard result else { throw SystemError.current }
    }

    deinit { _ = close(descriptor) }
}
