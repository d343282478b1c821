import SkeinPlatform
import SkeinZeroMQ
import Synchronization
import Testing

@Suite struct SocketTests {
    @Test func `frames of all sizes pass over TCP unchanged`() throws {
        let context = try ZMQContext()
        let pull = try ZMQSocket(.pull, in: context)
        let push = try ZMQSocket(.push, in: context)
        try push.connect(try pull.bind("tcp://127.0.0.1:0"))
        for size in [0, 1, 32, 33, 34, 255, 256, 65_536, 1_000_003] {
            let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(try push.send(sent, wait: true))
            guard let message = try pull.receive(wait: true) else {
                Issue.record("no message of \(size) bytes")
                return
            }
            #expect(message.count == size)
            #expect(message.bytes() == sent)
            #expect(message.hasMore == false)
            #expect(message.peerAddress == "127.0.0.1")
        }
    }

    @Test func `a bind to port 0 tells the port it took, and the port is taken`() throws {
        let context = try ZMQContext()
        let first = try ZMQSocket(.pull, in: context)
        let endpoint = try first.bind("tcp://127.0.0.1:0")
        let port = try #require(first.boundPort as Int?)
        #expect(endpoint == "tcp://127.0.0.1:\(port)")
        let second = try ZMQSocket(.pull, in: context)
        let error = errorBinding(second, to: endpoint)
        #expect(error?.name == "EADDRINUSE")
        #expect(error?.description.contains(endpoint) == true)
    }

    @Test func `wrong endpoints are errors that name them`() throws {
        let context = try ZMQContext()
        let socket = try ZMQSocket(.pull, in: context)
        for endpoint in [
            "", "nonsense", "tcp://", "tcp://127.0.0.1:99999", "smoke://signal", "tcp://127.0.0.1",
        ] {
            let error = errorBinding(socket, to: endpoint)
            #expect(error?.subject == endpoint)
            #expect(error?.name.isEmpty == false)
        }
    }

    @Test func `a multipart message arrives whole, and frames beyond the maximum are counted`() throws {
        let context = try ZMQContext()
        let router = try ZMQSocket(.router, in: context)
        let dealer = try ZMQSocket(.dealer, in: context)
        try dealer.connect(try router.bind("tcp://127.0.0.1:0"))
        #expect(try dealer.sendMultipart([[1], [2, 2], [], [4, 4, 4, 4]], wait: true))
        let whole = try #require(try router.receiveMultipart(wait: true))
        #expect(whole.frames.count == 5)
        #expect(Array(whole.frames.dropFirst()) == [[1], [2, 2], [], [4, 4, 4, 4]])
        #expect(whole.excess == 0)

        #expect(try dealer.sendMultipart([[1], [2], [3], [4]], wait: true))
        let cut = try #require(try router.receiveMultipart(maximumFrames: 2, wait: true))
        #expect(cut.frames.count == 2)
        #expect(cut.excess == 3)

        // What follows is not mixed up with the rest.
        #expect(try dealer.sendMultipart([[9]], wait: true))
        let next = try #require(try router.receiveMultipart(wait: true))
        #expect(next.frames[1] == [9])
        #expect(try router.sendMultipart([next.frames[0], [7]], wait: true))
        #expect(try dealer.receiveMultipart(wait: true)?.frames == [[7]])
    }

    @Test func `the rest of a message can be skipped`() throws {
        let context = try ZMQContext()
        let pull = try ZMQSocket(.pull, in: context)
        let push = try ZMQSocket(.push, in: context)
        try push.connect(try pull.bind("inproc://skip"))
        #expect(try push.sendMultipart([[1], [2], [3]], wait: true))
        #expect(try push.send([4], wait: true))
        let more = try pull.receive(wait: true)?.hasMore
        #expect(more == true)
        #expect(try pull.discardRest() == 2)
        #expect(try pull.receive(wait: true)?.bytes() == [4])
        #expect(try pull.discardRest() == 0)
    }

    @Test func `without a peer nothing is taken, and nothing blocks`() throws {
        let context = try ZMQContext()
        let push = try ZMQSocket(.push, in: context)
        #expect(try !push.send([1]))
        try push.set(.sendTimeout(.milliseconds(20)))
        #expect(try !push.send([1], wait: true))
        // Immediate: a connection that is not made yet takes nothing either.
        try push.set(.immediate(true))
        try push.connect("tcp://127.0.0.1:1")
        #expect(try !push.send([1]))
    }

    @Test func `a mandatory router names the peer that is gone`() throws {
        let context = try ZMQContext()
        let router = try ZMQSocket(.router, in: context)
        try router.set(.routerMandatory(true))
        try router.bind("tcp://127.0.0.1:0")
        #expect(errorSending([1, 2, 3, 4, 5], to: router)?.name == "EHOSTUNREACH")
    }

    @Test func `options out of range are refused by name`() throws {
        let context = try ZMQContext()
        let socket = try ZMQSocket(.pull, in: context)
        let error = errorSetting([.linger(.seconds(1)), .receiveHighWaterMark(-1), .ipv6(true)], of: socket)
        #expect(error?.name == "EINVAL")
        #expect(error?.subject == "receive high-water mark -1")
        #expect(errorSetting([.receiveHighWaterMark(Int.max)], of: socket)?.name == "EINVAL")
    }

    @Test func `every option is taken by the kind of socket that it is for`() throws {
        let context = try ZMQContext()
        let second = Duration.seconds(1)
        let dealer = try ZMQSocket(.dealer, in: context)
        try dealer.set(
            .linger(nil), .linger(second), .sendHighWaterMark(0), .receiveHighWaterMark(5),
            .sendBufferBytes(1 << 20),
            .receiveBufferBytes(1 << 20), .maximumMessageBytes(nil), .maximumMessageBytes(1 << 26),
            .sendTimeout(nil),
            .receiveTimeout(second), .immediate(true), .reconnectInterval(nil), .reconnectInterval(second),
            .reconnectIntervalMaximum(second), .connectTimeout(second), .handshakeInterval(second),
            .heartbeatInterval(second), .heartbeatTimeout(second), .heartbeatTimeToLive(second),
            .tcpKeepalive(true),
            .tcpKeepalive(nil), .tcpKeepaliveIdle(seconds: 30), .tcpKeepaliveInterval(seconds: 5),
            .tcpKeepaliveCount(3), .tcpRetransmitTimeout(second), .backlog(10), .ipv6(true),
            .routingID([1, 2]),
            .zapDomain("test"), .conflate(false))
        try ZMQSocket(.router, in: context).set(.routerMandatory(true), .routerHandover(true))
        try ZMQSocket(.req, in: context).set(.requestRelaxed(true), .requestCorrelate(true))
        try ZMQSocket(.sub, in: context).set(.subscribe([]), .subscribe([65]), .unsubscribe([65]))
        try ZMQSocket(.xpub, in: context).set(.subscriptionsVerbose(true), .publishWithoutDrop(true))
    }

    @Test func `a message over the maximum closes the connection`() throws {
        let context = try ZMQContext()
        let pull = try ZMQSocket(.pull, in: context)
        try pull.set(.maximumMessageBytes(1000))
        let push = try ZMQSocket(.push, in: context)
        let monitor = try push.monitor()
        try push.connect(try pull.bind("tcp://127.0.0.1:0"))
        #expect(try push.send([UInt8](repeating: 1, count: 1000), wait: true))
        #expect(try pull.receive(wait: true)?.count == 1000)
        #expect(try push.send([UInt8](repeating: 1, count: 1001), wait: true))
        try expect(.disconnected, from: monitor)
    }

    @Test func `a subscriber gets what it asked for`() throws {
        let context = try ZMQContext()
        let pub = try ZMQSocket(.xpub, in: context)
        let sub = try ZMQSocket(.sub, in: context)
        try sub.connect(try pub.bind("tcp://127.0.0.1:0"))
        try sub.set(.subscribe(Array("request".utf8)))
        #expect(try pub.receive(wait: true)?.bytes() == [1] + Array("request".utf8))
        #expect(try pub.sendMultipart([Array("other".utf8), [1]], wait: true))
        #expect(try pub.sendMultipart([Array("request.sql".utf8), [2]], wait: true))
        #expect(try sub.receiveMultipart(wait: true)?.frames == [Array("request.sql".utf8), [2]])
    }

    @Test func `a shut-down context ends a blocked receive on another thread`() throws {
        let context = try ZMQContext()
        let outcome = Mutex<ZMQError?>(nil)
        try withThreads { threads in
            let blocked = try WakeUp()
            threads.append(
                try SystemThread(name: "blocked") {
                    do throws(ZMQError) {
                        let pull = try ZMQSocket(.pull, in: context)
                        blocked.signal()
                        _ = try pull.receive(wait: true)
                    } catch {
                        outcome.withLock { $0 = error }
                    }
                })
            var poller = ZMQPoller()
            _ = poller.add(blocked)
            try poller.wait(for: .seconds(10))
            context.shutdown()
        }
        #expect(outcome.withLock { $0 }?.isTermination == true)
        context.terminate()
        context.terminate()
        let error = #expect(throws: ZMQError.self) { try ZMQSocket(.pull, in: context).close() }
        #expect(error?.name == "ETERM")
    }

    @Test func `a forgotten context makes no sockets`() throws {
        let context = try ZMQContext()
        context.forgetAfterFork()
        #expect(throws: ZMQError.self) { try ZMQSocket(.pull, in: context).close() }
    }
}

// A unique value cannot be captured by the closure of `#expect(throws:)`, so these catch for it.
func errorBinding(_ socket: borrowing ZMQSocket, to endpoint: String) -> ZMQError? {
    do throws(ZMQError) { try socket.bind(endpoint) } catch { return error }
    return nil
}

func errorSending(_ bytes: [UInt8], to socket: borrowing ZMQSocket) -> ZMQError? {
    do throws(ZMQError) { _ = try socket.send(bytes, more: true) } catch { return error }
    return nil
}

func errorSetting(_ options: [ZMQOption], of socket: borrowing ZMQSocket) -> ZMQError? {
    do throws(ZMQError) { try socket.set(options) } catch { return error }
    return nil
}

/// Runs the body, then joins the threads it started, also when it throws.
func withThreads(_ body: (inout [SystemThread]) throws -> Void) throws {
    var threads: [SystemThread] = []
    defer { for thread in threads { thread.join() } }
    try body(&threads)
}

/// Reads a monitor until it tells of the event, at most ten seconds.
func expect(
    _ kind: ZMQMonitorEvent.Kind, from monitor: borrowing ZMQMonitor,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expect(from: monitor, "\(kind)", sourceLocation: sourceLocation) { $0 == kind }
}

func expect(
    from monitor: borrowing ZMQMonitor, _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    where isWanted: (ZMQMonitorEvent.Kind) -> Bool
) throws {
    let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
    var seen: [ZMQMonitorEvent.Kind] = []
    while SystemClock.monotonicNanoseconds() < deadline {
        var poller = ZMQPoller()
        _ = poller.add(monitor)
        try poller.wait(for: .milliseconds(500))
        while let event = try monitor.next() {
            seen.append(event.kind)
            if isWanted(event.kind) { return }
        }
    }
    Issue.record("no \(what) among \(seen)", sourceLocation: sourceLocation)
}
