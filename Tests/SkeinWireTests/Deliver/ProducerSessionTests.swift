import SkeinWire
import Testing

@Suite struct ProducerSessionTests {
    static let a = StreamIdentity(journalHigh: 1, journalLow: 1, opening: 1, shard: 0)
    static let b = StreamIdentity(journalHigh: 1, journalLow: 1, opening: 1, shard: 1)
    static let second: Int64 = 1_000_000_000

    /// A session that is connected, with stream `a` open and a window of 1,000 bytes.
    private func openSession(resumed: Bool = false, first: UInt64 = 1, ack: UInt64 = 0) -> ProducerSession {
        var session = ProducerSession(.init(service: "s", host: "h", pid: 1, seed: 3))
        #expect(session.start(now: 0) == [.openSocket])
        #expect(session.connected(now: 0) == [])
        _ = session.offer(Self.a, first: first, durable: true, resumed: resumed, now: 0)
        _ = session.received(welcome(Self.a, ack), now: 0)
        return session
    }

    private func welcome(_ stream: StreamIdentity, _ ack: UInt64, window: Int = 1000) -> DeliverMessage {
        .welcome(.init(stream: stream, ack: ack, window: window, collector: "c"))
    }

    private func ack(_ number: UInt64, window: Int = 1000) -> DeliverMessage {
        .acknowledge(.init(stream: Self.a, ack: number, window: window))
    }

    private func refuse(_ reason: RefuseReason, at: UInt64? = nil, retry: Int32? = nil) -> DeliverMessage {
        .refuse(.init(stream: Self.a, reason: reason, at: at, retryMilliseconds: retry))
    }

    private func send(
        _ session: inout ProducerSession, through last: UInt64, bytes: Int = 300, now: Int64 = 0
    ) {
        let first = session.acknowledged(of: Self.a) + 1
        session.sent(session.batch(Self.a, first: first, last: last, count: 1), bytes: bytes, now: now)
    }

    @Test func `a stream is greeted when the connection is up, and may send after the welcome`() {
        var session = ProducerSession(.init(service: "s", host: "h", pid: 1))
        #expect(session.start(now: 0) == [.openSocket])
        #expect(session.start(now: 0) == [])
        #expect(session.offer(Self.a, first: 5, durable: true, resumed: false, now: 0) == [])
        #expect(session.allowance(for: Self.a, now: 0) == nil)
        let hello = DeliverMessage.hello(
            .init(stream: Self.a, first: 5, durable: true, service: "s", host: "h", pid: 1))
        #expect(session.connected(now: 0) == [.send(hello)])
        #expect(session.allowance(for: Self.a, now: 0) == nil)
        #expect(session.received(welcome(Self.a, 4), now: 1) == [])
        #expect(session.allowance(for: Self.a, now: 1) == .max)
        #expect(session.collector == "c")
    }

    @Test func `the welcome may acknowledge what an earlier process sent`() {
        var session = ProducerSession(.init())
        _ = session.start(now: 0)
        _ = session.connected(now: 0)
        _ = session.offer(Self.a, first: 5, durable: true, resumed: true, now: 0)
        #expect(session.received(welcome(Self.a, 9), now: 0) == [.acknowledged(Self.a, through: 9)])
        #expect(session.acknowledged(of: Self.a) == 9)
    }

    @Test
    func
        `the welcome may acknowledge what an earlier session of the process sent, and no more than there is`()
    {
        var session = ProducerSession(.init())
        _ = session.start(now: 0)
        _ = session.connected(now: 0)
        _ = session.offer(Self.a, first: 5, durable: true, resumed: false, written: 9, now: 0)
        var other = session
        #expect(session.received(welcome(Self.a, 9), now: 0) == [.acknowledged(Self.a, through: 9)])
        #expect(other.received(welcome(Self.a, 10), now: 0).first == .closeSocket)
    }

    @Test func `the window bounds what is in flight, but for one batch`() {
        var session = openSession()
        #expect(session.allowance(for: Self.a, now: 0) == .max)
        send(&session, through: 1, bytes: 900)
        #expect(session.allowance(for: Self.a, now: 0) == 100)
        send(&session, through: 2, bytes: 100)
        #expect(session.allowance(for: Self.a, now: 0) == nil)
        #expect(session.inFlightBytes == 1000)
        #expect(session.received(ack(1), now: 0) == [.acknowledged(Self.a, through: 1)])
        #expect(session.allowance(for: Self.a, now: 0) == 900)
        #expect(session.received(ack(2, window: 0), now: 0) == [.acknowledged(Self.a, through: 2)])
        #expect(session.allowance(for: Self.a, now: 0) == .max)
        send(&session, through: 3, bytes: 1)
        #expect(session.allowance(for: Self.a, now: 0) == nil)
    }

    @Test func `acknowledgements that fall back or repeat are ignored`() {
        var session = openSession()
        send(&session, through: 5)
        #expect(session.received(ack(4), now: 0) == [.acknowledged(Self.a, through: 4)])
        #expect(session.received(ack(2), now: 0) == [])
        #expect(session.received(ack(4), now: 0) == [])
        #expect(!session.isSettled(Self.a))
        #expect(session.received(ack(5), now: 0) == [.acknowledged(Self.a, through: 5)])
        #expect(session.isSettled(Self.a))
    }

    @Test func `an acknowledgement of what was never sent ends the connection`() {
        var session = openSession()
        send(&session, through: 5)
        let actions = session.received(ack(6), now: 0)
        #expect(actions.first == .closeSocket)
        #expect(actions.contains(.resend(Self.a, after: 0)))
        #expect(!session.isConnected)
    }

    @Test func `a batch's range reaches down to what was sent, over missing records`() {
        var session = openSession()
        #expect(
            session.batch(Self.a, first: 4, last: 6, count: 3)
                == .init(stream: Self.a, first: 1, last: 6, count: 3))
        session.sent(session.batch(Self.a, first: 4, last: 6, count: 3), bytes: 10, now: 0)
        #expect(session.batch(Self.a, first: 9, last: 9, count: 1).first == 7)
        // A run that is read again from below what is acknowledged keeps its own beginning.
        _ = session.received(ack(5), now: 0)
        #expect(session.batch(Self.a, first: 4, last: 6, count: 3).first == 4)
    }

    @Test func `full: waits with jitter, then sends again from the acknowledged end, one batch at a time`()
        throws
    {
        var session = openSession()
        send(&session, through: 3)
        _ = session.received(ack(1), now: 0)
        #expect(session.received(refuse(.full, retry: 1000), now: 0) == [.resend(Self.a, after: 1)])
        #expect(session.inFlightBytes == 0)
        #expect(session.allowance(for: Self.a, now: Self.second / 2) == nil)
        let deadline = try #require(session.nextDeadline)
        #expect((Self.second * 8 / 10...Self.second * 12 / 10).contains(deadline))
        _ = session.tick(now: deadline)
        #expect(session.allowance(for: Self.a, now: deadline) == .max)
        send(&session, through: 2, bytes: 1, now: deadline)
        #expect(session.allowance(for: Self.a, now: deadline) == nil)
        _ = session.received(ack(2), now: deadline)
        send(&session, through: 3, bytes: 1, now: deadline)
        #expect(session.allowance(for: Self.a, now: deadline) == 999)
    }

    @Test func `jitter spreads the waits`() {
        let waits = (0..<50).map { seed -> Int64 in
            var session = ProducerSession(.init(seed: UInt64(seed)))
            _ = session.start(now: 0)
            _ = session.connected(now: 0)
            _ = session.disconnected(now: 0)
            return session.nextDeadline ?? 0
        }
        #expect(Set(waits).count > 40)
        #expect(waits.allSatisfy { (80_000_000...120_000_000).contains($0) })
    }

    @Test func `a nonsensical retry time is bounded`() {
        var session = openSession()
        send(&session, through: 1)
        _ = session.received(refuse(.full, retry: .max), now: 0)
        #expect(session.allowance(for: Self.a, now: 73 * Self.second) == .max)
    }

    @Test func `gap: sends again from the acknowledged end`() {
        var session = openSession()
        send(&session, through: 5)
        #expect(session.received(refuse(.gap, at: 3), now: 0) == [.resend(Self.a, after: 0)])
        #expect(session.batch(Self.a, first: 1, last: 2, count: 2).first == 1)
        // While it waits for room, gaps are about what was sent before.
        _ = session.received(refuse(.full), now: 0)
        #expect(session.received(refuse(.gap, at: 3), now: 0) == [])
    }

    @Test func `gap below the acknowledged end: greets, so that the collector can go on from there`() {
        var session = openSession()
        send(&session, through: 5)
        _ = session.received(ack(4), now: 0)
        let hello = DeliverMessage.hello(
            .init(stream: Self.a, first: 5, durable: true, service: "s", host: "h", pid: 1))
        #expect(session.received(refuse(.gap, at: 2), now: 0) == [.resend(Self.a, after: 4), .send(hello)])
    }

    @Test func `gaps without end or beyond what was sent end the connection`() {
        var session = openSession()
        send(&session, through: 5)
        #expect(session.received(refuse(.gap, at: 7), now: 0).first == .closeSocket)
        session = openSession()
        var rounds = 0
        while session.isConnected && rounds < 100 {
            send(&session, through: 5)
            _ = session.received(refuse(.gap, at: 1), now: 0)
            rounds += 1
        }
        #expect(rounds == 17)
    }

    @Test func `invalid: counted, and the acknowledgement goes past it`() {
        var session = openSession()
        send(&session, through: 5)
        #expect(session.received(refuse(.invalid, at: 3), now: 0) == [.invalid(Self.a, number: 3, count: 1)])
        #expect(session.received(ack(5), now: 0) == [.acknowledged(Self.a, through: 5)])
    }

    @Test func `unknown stream after a batch: greets anew from the acknowledged end`() {
        var session = openSession()
        send(&session, through: 5)
        _ = session.received(ack(2), now: 0)
        let hello = DeliverMessage.hello(
            .init(stream: Self.a, first: 3, durable: true, service: "s", host: "h", pid: 1))
        #expect(
            session.received(refuse(.unknownStream), now: 0) == [.resend(Self.a, after: 2), .send(hello)])
        // The batch behind that one is refused, too: old news.
        #expect(session.received(refuse(.unknownStream), now: 0) == [])
    }

    @Test func `unknown stream after HELLO: the producer says that it knows, and tells`() {
        var session = ProducerSession(.init())
        _ = session.start(now: 0)
        _ = session.connected(now: 0)
        _ = session.offer(Self.a, first: 7, durable: true, resumed: true, now: 0)
        let actions = session.received(refuse(.unknownStream, at: 7), now: 0)
        #expect(
            actions == [
                .warn(.forgotten(Self.a)),
                .send(.hello(.init(stream: Self.a, first: 7, durable: true, anew: true))),
            ])
        _ = session.received(welcome(Self.a, 6), now: 0)
        #expect(session.allowance(for: Self.a, now: 0) == .max)
    }

    @Test(arguments: [
        RefuseReason.unauthorised, .loop, .version, .protocolError, RefuseReason(rawValue: "whim"),
    ])
    func `other refusals stop the session, once told, with a growing pause`(_ reason: RefuseReason) throws {
        var session = openSession()
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<8 {
            let actions = session.received(refuse(reason), now: now)
            #expect(actions.first == .closeSocket)
            #expect(actions.contains(.warn(.refused(reason, ""))))
            let deadline = try #require(session.nextDeadline)
            pauses.append(deadline - now)
            now = deadline
            #expect(session.tick(now: now) == [.openSocket])
            _ = session.connected(now: now)
        }
        #expect(pauses[0] >= Self.second * 8 / 10 && pauses[0] <= Self.second * 12 / 10)
        #expect(pauses[7] >= 48 * Self.second && pauses[7] <= 72 * Self.second)
    }

    @Test func `a refused handshake is told and tried again slowly`() {
        var session = ProducerSession(.init())
        _ = session.start(now: 0)
        let actions = session.refusedAtHandshake("wrong key", now: 0)
        #expect(actions == [.closeSocket, .warn(.refused(.unauthorised, "wrong key"))])
        #expect(session.tick(now: Self.second / 2) == [])
        #expect(session.tick(now: 2 * Self.second) == [.openSocket])
    }

    @Test func `silence of five seconds ends the connection, and the next one resends`() throws {
        var session = openSession()
        send(&session, through: 2, now: Self.second)
        #expect(session.tick(now: 6 * Self.second - 1).allSatisfy { $0 == .send(.ping) })
        let actions = session.tick(now: 6 * Self.second)
        #expect(actions == [.warn(.silent), .closeSocket, .resend(Self.a, after: 0)])
        let deadline = try #require(session.nextDeadline)
        #expect(session.tick(now: deadline) == [.openSocket])
        #expect(
            session.connected(now: deadline)
                == [
                    .send(
                        .hello(
                            .init(stream: Self.a, first: 1, durable: true, service: "s", host: "h", pid: 1)))
                ])
        #expect(session.reconnects == 1)
    }

    @Test func `answers to PING do not hide that a batch is never answered`() {
        var session = openSession()
        send(&session, through: 2)
        for tenth in 1..<50 {
            _ = session.received(.pong(.init(collector: "c")), now: Int64(tenth) * Self.second / 10)
        }
        #expect(session.tick(now: 5 * Self.second).contains(.closeSocket))
    }

    @Test func `signs of life hold the connection, however long the collector needs`() {
        var session = openSession()
        send(&session, through: 2)
        for second in 1...100 {
            #expect(session.received(ack(0), now: Int64(second) * Self.second) == [])
            #expect(!session.tick(now: Int64(second) * Self.second + 1).contains(.closeSocket))
        }
        #expect(session.isConnected)
    }

    @Test func `an idle connection is pinged each second, and ends when nothing comes back`() throws {
        var session = openSession()
        #expect(session.nextDeadline == Self.second)
        #expect(session.tick(now: Self.second) == [.send(.ping)])
        _ = session.received(.pong(.init(collector: "c")), now: Self.second + 5)
        #expect(session.tick(now: 2 * Self.second) == [])
        #expect(session.tick(now: 2 * Self.second + 5) == [.send(.ping)])
        var now = 2 * Self.second + 5
        while session.isConnected && now < 20 * Self.second {
            now = try #require(session.nextDeadline)
            _ = session.tick(now: now)
        }
        #expect(now == 7 * Self.second + 5)
    }

    @Test func `a HELLO that is not answered ends the connection`() {
        var session = ProducerSession(.init())
        _ = session.start(now: 0)
        _ = session.connected(now: 0)
        _ = session.offer(Self.a, first: 1, durable: false, resumed: false, now: 0)
        #expect(session.tick(now: 5 * Self.second).contains(.closeSocket))
    }

    @Test func `attempts to connect back off to ten seconds, and begin small after a welcome`() throws {
        var session = ProducerSession(.init(seed: 9))
        _ = session.start(now: 0)
        _ = session.offer(Self.a, first: 1, durable: false, resumed: false, now: 0)
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<10 {
            #expect(session.disconnected(now: now) == [.closeSocket])
            let deadline = try #require(session.nextDeadline)
            pauses.append(deadline - now)
            now = deadline
            #expect(session.tick(now: now) == [.openSocket])
        }
        #expect(pauses[0] <= 120_000_000)
        #expect(pauses[3] >= 640_000_000)
        #expect(pauses[9] >= 8 * Self.second && pauses[9] <= 12 * Self.second)
        _ = session.connected(now: now)
        _ = session.received(welcome(Self.a, 0), now: now)
        _ = session.disconnected(now: now)
        #expect(try #require(session.nextDeadline) - now <= 120_000_000)
    }

    @Test func `a connection that is never made is given up`() {
        var session = ProducerSession(.init())
        _ = session.start(now: 0)
        #expect(session.tick(now: 5 * Self.second) == [.warn(.noConnection), .closeSocket])
    }

    @Test func `BYE is said once all is acknowledged, and ends the stream`() {
        var session = openSession()
        send(&session, through: 2)
        #expect(session.finish(Self.a, now: 0) == [])
        _ = session.received(ack(2), now: 0)
        #expect(session.finish(Self.a, now: 0) == [.send(.bye(.init(stream: Self.a, last: 2)))])
        #expect(session.finish(Self.a, now: 0) == [])
        #expect(session.allowance(for: Self.a, now: 0) == nil)
        #expect(session.received(.goodbye(.init(stream: Self.a)), now: 0) == [.ended(Self.a)])
    }

    @Test func `a lost GOODBYE is asked for again on the next connection`() throws {
        var session = openSession()
        _ = session.finish(Self.a, now: 0)
        #expect(session.tick(now: 5 * Self.second).contains(.closeSocket))
        let deadline = try #require(session.nextDeadline)
        _ = session.tick(now: deadline)
        _ = session.connected(now: deadline)
        _ = session.received(welcome(Self.a, 0), now: deadline)
        #expect(session.finish(Self.a, now: deadline) == [.send(.bye(.init(stream: Self.a, last: 0)))])
        // A collector that forgot it meanwhile has said farewell, too.
        #expect(session.received(refuse(.unknownStream), now: deadline) == [.ended(Self.a)])
    }

    @Test func `a draining collector is left and found again`() throws {
        var session = openSession()
        send(&session, through: 2)
        #expect(
            session.received(.goodbye(.init(stream: nil)), now: 0) == [
                .closeSocket, .resend(Self.a, after: 0),
            ])
        #expect(session.tick(now: 2 * Self.second) == [.openSocket])
    }

    @Test func `one stream's trouble leaves the other alone`() {
        var session = openSession()
        _ = session.offer(Self.b, first: 1, durable: true, resumed: false, now: 0)
        _ = session.received(welcome(Self.b, 0), now: 0)
        send(&session, through: 2)
        _ = session.received(refuse(.full), now: 0)
        #expect(session.allowance(for: Self.a, now: 0) == nil)
        #expect(session.allowance(for: Self.b, now: 0) == .max)
    }

    @Test func `a HELLO refused for want of room is said again, on the same connection`() throws {
        var session = openSession()
        _ = session.offer(Self.b, first: 1, durable: true, resumed: false, now: 0)
        let full = DeliverMessage.refuse(.init(stream: Self.b, reason: .full, retryMilliseconds: 500))
        #expect(session.received(full, now: 0) == [])
        let deadline = try #require(session.nextDeadline)
        let hello = DeliverMessage.hello(
            .init(stream: Self.b, first: 1, durable: true, service: "s", host: "h", pid: 1))
        #expect(session.tick(now: deadline) == [.send(hello)])
        #expect(session.isConnected)
    }

    @Test func `messages about streams that are not ours, or that only a producer sends, do no harm`() {
        var session = openSession()
        let strange = StreamIdentity(journalHigh: 9, journalLow: 9, opening: 9, shard: 9)
        #expect(session.received(welcome(strange, 5), now: 0) == [])
        #expect(session.received(.acknowledge(.init(stream: strange, ack: 5, window: 1)), now: 0) == [])
        #expect(session.received(.refuse(.init(stream: strange, reason: .full)), now: 0) == [])
        #expect(session.received(.refuse(.init(stream: strange, reason: .protocolError)), now: 0) == [])
        #expect(session.received(.goodbye(.init(stream: strange)), now: 0) == [])
        #expect(session.received(.unknown(op: "DANCE"), now: 0) == [])
        #expect(session.received(welcome(Self.a, 0), now: 0) == [])
        #expect(session.isConnected)
        #expect(session.received(.ping, now: 0).first == .closeSocket)
        // Not connected: nothing is listened to.
        #expect(session.received(ack(1), now: 0) == [])
    }

    @Test func `stop closes, and a new start greets everything again`() {
        var session = openSession()
        send(&session, through: 2)
        #expect(session.stop() == [.closeSocket, .resend(Self.a, after: 0)])
        #expect(session.nextDeadline == nil)
        #expect(session.start(now: 0) == [.openSocket])
        #expect(session.connected(now: 0).count == 1)
    }
}
