import SkeinPlatform
import SkeinWire
import Testing

@Suite struct CollectorSessionTests {
    typealias Session = CollectorSession<Int>
    static let a = StreamIdentity(journalHigh: 1, journalLow: 1, opening: 1, shard: 0)
    static let b = StreamIdentity(journalHigh: 1, journalLow: 1, opening: 2, shard: 0)
    static let second: Int64 = 1_000_000_000

    private func makeSession(
        _ streams: [HeldStream] = [], _ change: (inout Session.Configuration) -> Void = { _ in }
    )
        -> Session
    {
        var configuration = Session.Configuration(collector: "me")
        change(&configuration)
        return Session(configuration, streams: streams, now: 0)
    }

    private func hello(
        _ stream: StreamIdentity = a, first: UInt64 = 1, anew: Bool = false, path: [String] = []
    )
        -> DeliverMessage
    {
        .hello(.init(stream: stream, first: first, durable: true, path: path, anew: anew))
    }

    /// What a message is answered; nothing else may come of it.
    private func answer(
        _ session: inout Session, _ message: DeliverMessage, bytes: Int? = nil, from peer: Int = 1,
        now: Int64 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [DeliverMessage] {
        switch session.receive(message, payloadBytes: bytes, from: peer, now: now) {
        case .answers(let answers):
            #expect(answers.allSatisfy { $0.peer == peer }, sourceLocation: sourceLocation)
            return answers.map(\.message)
        case .take(let offer):
            Issue.record("\(offer.batch) is to be taken", sourceLocation: sourceLocation)
            return []
        }
    }

    /// Offers a batch of 100-byte records that must be taken.
    private func offer(
        _ session: inout Session, _ numbers: ClosedRange<UInt64>, of stream: StreamIdentity = a,
        from peer: Int = 1,
        now: Int64 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> BatchOffer<Int> {
        let batch = DeliverMessage.Batch(
            stream: stream, first: numbers.lowerBound, last: numbers.upperBound, count: numbers.count)
        let reply = session.receive(.batch(batch), payloadBytes: numbers.count * 100, from: peer, now: now)
        guard case .take(let offer) = reply else {
            Issue.record("\(reply)", sourceLocation: sourceLocation)
            throw SystemError(code: EPROTO)
        }
        return offer
    }

    private func store(
        _ session: inout Session, _ numbers: ClosedRange<UInt64>, of stream: StreamIdentity = a,
        from peer: Int = 1,
        now: Int64 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let offer = try offer(
            &session, numbers, of: stream, from: peer, now: now, sourceLocation: sourceLocation)
        let duplicates = numbers.count { $0 <= offer.above }
        session.stored(
            offer, through: numbers.upperBound, received: numbers.count, duplicates: duplicates, now: now)
    }

    private func batch(_ first: UInt64, _ last: UInt64, count: Int? = nil) -> DeliverMessage {
        .batch(.init(stream: Self.a, first: first, last: last, count: count ?? Int(last - first + 1)))
    }

    @Test func `HELLO is welcomed with what is durable and a window`() {
        var session = makeSession([HeldStream(identity: Self.b, highest: 7, isDurable: true)])
        #expect(
            answer(&session, hello()) == [
                .welcome(.init(stream: Self.a, ack: 0, window: 128 << 20, collector: "me"))
            ])
        #expect(
            answer(&session, hello(Self.b, first: 3))
                == [.welcome(.init(stream: Self.b, ack: 7, window: 128 << 20, collector: "me"))])
    }

    @Test func `only what was stored before a sync began is acknowledged when it ends`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...5)
        #expect(!session.isSyncDue(now: 0))
        #expect(session.isSyncDue(now: Self.second / 10))
        let mark = session.beginSync()
        try store(&session, 6...9, now: 1)
        let answers = session.endSync(mark, now: 2)
        #expect(answers.map(\.message) == [.acknowledge(.init(stream: Self.a, ack: 5, window: 128 << 20))])
        #expect(session.isSyncDue(now: Self.second))
        let next = session.beginSync()
        #expect(!session.isSyncDue(now: Self.second))
        #expect(
            session.endSync(next, now: 3).map(\.message)
                == [.acknowledge(.init(stream: Self.a, ack: 9, window: 128 << 20))])
        #expect(session.beginSync().isEmpty)
    }

    @Test func `half a window makes a sync due at once`() throws {
        var session = makeSession {
            $0.windowBudget = 2000
            $0.windowMinimum = 1000
        }
        _ = answer(&session, hello())
        try store(&session, 1...9)
        #expect(!session.isSyncDue(now: 0))
        try store(&session, 10...19)
        #expect(session.isSyncDue(now: 0))
    }

    @Test func `a resend is cut at what is held, however it was cut before`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...5)
        #expect(try offer(&session, 4...8).above == 5)
        try store(&session, 4...8)
        #expect(session.counts.duplicate == 2)
        #expect(session.highest(of: Self.a) == 8)
        // Nothing new: it is told how far we are, though nothing is durable yet.
        #expect(
            answer(&session, batch(1, 8), bytes: 800) == [
                .acknowledge(.init(stream: Self.a, ack: 0, window: 128 << 20))
            ])
        #expect(session.counts.received == 18)
        #expect(session.counts.duplicate == 10)
    }

    @Test func `a batch beyond what is held is a gap, told once a second`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...5)
        let gap = DeliverMessage.refuse(.init(stream: Self.a, reason: .gap, at: 6))
        #expect(answer(&session, batch(7, 8), bytes: 200) == [gap])
        #expect(answer(&session, batch(9, 10), bytes: 200) == [])
        #expect(answer(&session, batch(11, 12), bytes: 200, now: Self.second) == [gap])
        try store(&session, 6...8, now: Self.second)
        #expect(
            answer(&session, batch(20, 20), bytes: 100, now: Self.second + 1) == [
                .refuse(.init(stream: Self.a, reason: .gap, at: 9))
            ])
    }

    @Test func `full: what was in flight behind the batch is passed over in silence`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        let offered = try offer(&session, 1...5)
        #expect(
            session.full(offered, now: 0).map(\.message)
                == [.refuse(.init(stream: Self.a, reason: .full, retryMilliseconds: 1000))])
        #expect(answer(&session, batch(6, 9), bytes: 400) == [])
        #expect(answer(&session, batch(10, 12), bytes: 300) == [])
        try store(&session, 1...4, now: Self.second / 2)
        #expect(session.counts.refusedFull == 1)
    }

    @Test func `a batch may be stored in part`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        let offered = try offer(&session, 1...5)
        session.stored(offered, through: 3, received: 3, duplicates: 0, now: 0)
        _ = session.full(offered, now: 0)
        #expect(session.highest(of: Self.a) == 3)
        let mark = session.beginSync()
        #expect(
            session.endSync(mark, now: 0).map(\.message) == [
                .acknowledge(.init(stream: Self.a, ack: 3, window: 128 << 20))
            ])
        #expect(try offer(&session, 4...5).above == 3)
    }

    @Test func `missing numbers inside a batch are counted as lost upstream`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        guard
            case .take(let offered) = session.receive(
                batch(1, 10, count: 7), payloadBytes: 700, from: 1, now: 0)
        else {
            Issue.record("not taken")
            return
        }
        session.stored(offered, through: 10, received: 7, duplicates: 0, now: 0)
        #expect(session.counts.lostUpstream == 3)
    }

    @Test func `a failed sync takes everything unacknowledged back, and marks from before mean nothing`()
        throws
    {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...5)
        _ = session.endSync(session.beginSync(), now: 0)
        try store(&session, 6...9)
        let failing = session.beginSync()
        try store(&session, 10...12)
        let late = session.beginSync()
        #expect(
            session.failSync(now: 0).map(\.message)
                == [
                    .refuse(
                        .init(
                            stream: Self.a, reason: .full, retryMilliseconds: 1000,
                            message: "the journal's disk failed"))
                ])
        #expect(session.highest(of: Self.a) == 5)
        try store(&session, 6...8)
        #expect(session.endSync(failing, now: 0) == [])
        #expect(session.endSync(late, now: 0) == [])
        #expect(session.endSync(session.beginSync(), now: 0).count == 1)
    }

    @Test func `a batch on a connection without HELLO is refused, and nobody is harmed`() throws {
        var session = makeSession()
        let unknown = DeliverMessage.refuse(.init(stream: Self.a, reason: .unknownStream))
        #expect(answer(&session, batch(1, 2), bytes: 200) == [unknown])
        _ = answer(&session, hello())
        #expect(answer(&session, batch(1, 2), bytes: 200, from: 2) == [unknown])
        // The new connection takes the stream over; the old one's late batches are refused.
        _ = answer(&session, hello(), from: 2)
        #expect(answer(&session, batch(1, 2), bytes: 200, from: 1) == [unknown])
        try store(&session, 1...2, from: 2)
        #expect(session.endSync(session.beginSync(), now: 0).map(\.peer) == [2])
    }

    @Test func `acknowledgements go where the stream was last greeted from`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...2)
        let mark = session.beginSync()
        _ = answer(&session, hello(), from: 2)
        #expect(session.endSync(mark, now: 0).map(\.peer) == [2])
        session.gone(2)
        try store2AfterGone(&session)
    }

    private func store2AfterGone(_ session: inout Session) throws {
        #expect(
            answer(&session, batch(3, 3), bytes: 100, from: 2) == [
                .refuse(.init(stream: Self.a, reason: .unknownStream))
            ])
        #expect(session.knownStreams.map(\.isConnected) == [false])
    }

    @Test func `a resumed stream that is not known is refused by name, and taken when its producer insists`()
        throws
    {
        var session = makeSession()
        guard case .refuse(let refusal) = answer(&session, hello(first: 7)).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .unknownStream)
        #expect(refusal.at == 7)
        #expect(session.counts.unknownStreams == 1)
        #expect(
            answer(&session, hello(first: 7, anew: true))
                == [.welcome(.init(stream: Self.a, ack: 6, window: 128 << 20, collector: "me"))])
        #expect(session.counts.resumedUnknown == 1)
        try store(&session, 7...8)
    }

    @Test func `numbers that the producer has no more are counted as lost upstream`() throws {
        var session = makeSession([HeldStream(identity: Self.a, highest: 3, isDurable: true)])
        #expect(
            answer(&session, hello(first: 10))
                == [.welcome(.init(stream: Self.a, ack: 9, window: 128 << 20, collector: "me"))])
        #expect(session.counts.lostUpstream == 6)
        try store(&session, 10...11)
    }

    @Test func `impossible numbers overflow nothing`() {
        var session = makeSession()
        let most = UInt64(Int64.max)
        _ = answer(&session, hello())
        _ = answer(&session, hello(first: most))
        _ = answer(&session, hello(Self.b))
        _ = answer(&session, hello(Self.b, first: most))
        #expect(session.counts.lostUpstream == 2 * (most - 1))
        let c = StreamIdentity(journalHigh: 3, journalLow: 3, opening: 3, shard: 3)
        _ = answer(&session, hello(c))
        _ = answer(&session, hello(c, first: most))
        #expect(session.counts.lostUpstream == .max)
        let bye = DeliverMessage.bye(.init(stream: c, last: most))
        guard case .refuse = answer(&session, bye).first else {
            Issue.record("BYE beyond the end was taken")
            return
        }
        guard case .refuse(let refusal) = answer(&session, batch(1, most - 1, count: .max), bytes: 32).first
        else {
            Issue.record("a batch of 2^63 records was taken")
            return
        }
        #expect(refusal.reason == .protocolError)
    }

    @Test func `one's own id among those behind the sender is a loop`() {
        var session = makeSession()
        guard case .refuse(let refusal) = answer(&session, hello(path: ["x", "me"])).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .loop)
    }

    @Test func `another version is refused by name`() {
        var session = makeSession()
        let message = DeliverMessage.hello(.init(version: 2, stream: Self.a, first: 1, durable: true))
        guard case .refuse(let refusal) = answer(&session, message).first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.reason == .version)
    }

    @Test func `PING is answered, and what only a collector says is refused`() {
        var session = makeSession()
        #expect(answer(&session, .ping) == [.pong(.init(collector: "me"))])
        for message in [
            DeliverMessage.pong(.init(collector: "x")), .goodbye(.init(stream: nil)), .unknown(op: "DANCE"),
        ] {
            guard case .refuse(let refusal) = answer(&session, message).first else {
                Issue.record("\(message) was not refused")
                continue
            }
            #expect(refusal.reason == .protocolError)
            #expect(refusal.stream == nil)
        }
        #expect(session.counts.protocolErrors == 3)
    }

    @Test func `a payload where none belongs, none where one does, and one that is too large are refused`() {
        var session = makeSession()
        _ = answer(&session, hello())
        for (message, bytes) in [
            (DeliverMessage.ping, 5), (batch(1, 2), nil), (batch(1, 2), 2 << 20), (batch(1, 2), 63),
            (hello(), 0),
        ] as [(DeliverMessage, Int?)] {
            guard case .refuse(let refusal) = answer(&session, message, bytes: bytes).first else {
                Issue.record("\(message) with \(bytes ?? -1) was not refused")
                continue
            }
            #expect(refusal.reason == .protocolError)
        }
    }

    @Test func `one record alone may be larger than a batch`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        guard case .take = session.receive(batch(1, 1), payloadBytes: 3 << 20, from: 1, now: 0) else {
            Issue.record("not taken")
            return
        }
    }

    @Test func `BYE ends a stream that is acknowledged to its end, and none other`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...5)
        let bye = DeliverMessage.bye(.init(stream: Self.a, last: 5))
        guard case .refuse(let refusal) = answer(&session, bye).first else {
            Issue.record("BYE was taken too early")
            return
        }
        #expect(refusal.reason == .protocolError)
        _ = session.endSync(session.beginSync(), now: 0)
        guard case .refuse = answer(&session, bye, from: 2).first else {
            Issue.record("BYE was taken from a stranger")
            return
        }
        #expect(answer(&session, bye) == [.goodbye(.init(stream: Self.a))])
        #expect(answer(&session, bye) == [.goodbye(.init(stream: Self.a))])
        #expect(
            answer(&session, batch(6, 6), bytes: 100) == [
                .refuse(.init(stream: Self.a, reason: .unknownStream))
            ])
        // It is remembered for a while, should its producer come back from an old cursor.
        _ = answer(&session, hello(first: 3))
        #expect(
            answer(&session, batch(3, 5), bytes: 300) == [
                .acknowledge(.init(stream: Self.a, ack: 5, window: 128 << 20))
            ])
        #expect(session.counts.duplicate == 3)
        #expect(answer(&session, .bye(.init(stream: Self.b, last: 9))) == [.goodbye(.init(stream: Self.b))])
    }

    @Test func `streams are forgotten after their time`() {
        let hour: Int64 = 3600 * Self.second
        var session = makeSession([
            HeldStream(identity: Self.a, highest: 5, isDurable: true, idle: .seconds(89 * 24 * 3600)),
            HeldStream(identity: Self.b, highest: 5, isDurable: false, idle: .seconds(23 * 3600)),
        ])
        #expect(session.tick(now: hour / 2).forgotten == [])
        #expect(session.tick(now: 2 * hour).forgotten == [Self.b])
        #expect(session.tick(now: 25 * hour).forgotten == [Self.a])
        #expect(session.counts.forgotten == 2)
        #expect(session.knownStreams.isEmpty)
    }

    @Test func `a connection that pings keeps its streams`() {
        var session = makeSession {
            $0.anonymousRetention = .seconds(600)
            $0.durableRetention = .seconds(600)
        }
        _ = answer(&session, hello())
        for minute in 1...60 {
            _ = answer(&session, .ping, now: Int64(minute) * 59 * Self.second)
            #expect(session.tick(now: Int64(minute) * 59 * Self.second).forgotten == [])
        }
        #expect(session.tick(now: 7200 * Self.second).forgotten == [Self.a])
    }

    @Test func `strangers' greetings cannot fill the table`() throws {
        var session = makeSession { $0.maximumStreams = 100 }
        _ = answer(&session, hello())
        try store(&session, 1...5)
        _ = session.endSync(session.beginSync(), now: 0)
        var full = 0
        for number in 0..<1000 {
            let stream = StreamIdentity(journalHigh: 7, journalLow: 7, opening: UInt64(number), shard: 0)
            let message = answer(&session, hello(stream), from: 100 + number, now: Int64(number))
            if case .refuse(let refusal) = message.first, refusal.reason == .full { full += 1 }
        }
        #expect(session.knownStreams.count <= 100)
        #expect(full > 800)
        #expect(session.highest(of: Self.a) == 5)
        // Their connections fall silent, and their places go to those who come.
        _ = answer(&session, .ping, now: 61 * Self.second)
        _ = session.tick(now: 120 * Self.second)
        #expect(
            answer(&session, hello(Self.b), from: 5, now: 130 * Self.second).first.map {
                if case .welcome = $0 { true } else { false }
            } == true)
    }

    @Test func `a sign of life goes out each second while records wait for a sync`() throws {
        var session = makeSession()
        _ = answer(&session, hello())
        try store(&session, 1...5)
        #expect(session.tick(now: Self.second / 2).answers == [])
        let sign = [DeliverMessage.acknowledge(.init(stream: Self.a, ack: 0, window: 128 << 20))]
        #expect(session.tick(now: Self.second).answers.map(\.message) == sign)
        #expect(session.tick(now: Self.second * 3 / 2).answers == [])
        #expect(session.tick(now: 2 * Self.second).answers.map(\.message) == sign)
        _ = session.endSync(session.beginSync(), now: 2 * Self.second)
        #expect(session.tick(now: 9 * Self.second).answers == [])
    }

    @Test func `the window is shared by the streams that are busy`() throws {
        var session = makeSession()
        for number in 0..<16 {
            let stream = StreamIdentity(journalHigh: 7, journalLow: 7, opening: UInt64(number), shard: 0)
            _ = answer(&session, hello(stream), from: number)
            try store(&session, 1...1, of: stream, from: number)
        }
        _ = session.tick(now: 2 * Self.second)
        let answers = session.endSync(session.beginSync(), now: 2 * Self.second)
        #expect(answers.count == 16)
        for answer in answers {
            guard case .acknowledge(let acknowledge) = answer.message else { continue }
            #expect(acknowledge.window == 8 << 20)
        }
    }

    @Test func `a draining collector says so to everyone, and greets no more`() {
        var session = makeSession()
        _ = answer(&session, hello())
        _ = answer(&session, hello(Self.b), from: 2)
        #expect(Set(session.drain().map(\.peer)) == [1, 2])
        #expect(answer(&session, hello(Self.b), from: 2) == [.goodbye(.init(stream: nil))])
    }

    @Test func `random messages from many connections trap nothing and stay bounded`() {
        var random = FastRandom(seed: 11)
        var session = makeSession { $0.maximumStreams = 50 }
        func number() -> UInt64 {
            switch random.next() % 4 {
            case 0: random.next() % 10
            case 1: UInt64(Int64.max) - random.next() % 3
            default: random.next() % 100
            }
        }
        for step in 0..<100_000 {
            let now = Int64(step) * 10_000_000
            let peer = Int(random.next() % 20)
            let stream = StreamIdentity(journalHigh: 0, journalLow: 0, opening: random.next() % 100, shard: 0)
            let first = max(1, number())
            let message: DeliverMessage =
                switch random.next() % 8 {
                case 0:
                    .hello(.init(stream: stream, first: first, durable: false, anew: random.next() % 2 == 0))
                case 1: .bye(.init(stream: stream, last: number()))
                case 2: .ping
                case 3: .acknowledge(.init(stream: stream, ack: number(), window: 1))
                default: .batch(.init(stream: stream, first: first, last: max(first, number()), count: 1))
                }
            let bytes = random.next() % 10 == 0 ? nil : Int(random.next() % 5000)
            switch session.receive(message, payloadBytes: bytes, from: peer, now: now) {
            case .answers: break
            case .take(let offer):
                let through = random.next() % 2 == 0 ? offer.batch.last : offer.above
                session.stored(offer, through: through, received: 1, duplicates: 0, now: now)
            }
            switch random.next() % 50 {
            case 0: _ = session.endSync(session.beginSync(), now: now)
            case 1: _ = session.failSync(now: now)
            case 2: _ = session.tick(now: now)
            case 3: session.gone(peer)
            default: break
            }
        }
        #expect(session.knownStreams.count <= 50)
    }
}
