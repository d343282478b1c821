import SkeinPlatform
import SkeinWire

/// A producer and a collector over a link that loses, doubles, delays and breaks, driven by one seed.
///
/// The link keeps the order of a connection, as TCP does; an old connection's messages may still come in after
/// the producer has opened a new one. Both ends crash and restart. What is checked: an acknowledgement is never
/// about a record that the collector does not hold durably; what the collector holds of a stream is at any time
/// a rising sequence without repeats; and in the end it is exactly what was produced.
struct DeliverSimulation {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    typealias Peer = Int

    /// A stream as its journal has it. `numbers` rises from 1; some are missing, as unreadable records are.
    struct Produced {
        var numbers: [UInt64] = []
        var next: UInt64 = 1
        /// Records up to here are behind the durable cursor.
        var cursor: UInt64 = 0
        /// Records up to here were handed to the session on this connection.
        var read: UInt64 = 0
        var isLive = true
        var isEnded = false
    }

    /// What the collector's journal has of a stream, and how much of it a crash cannot take.
    struct Held {
        var numbers: [UInt64] = []
        var durable = 0
        /// The number the session considers durable; above the last of `numbers` when the end is missing.
        var highest: UInt64 = 0
        var durableHighest: UInt64 = 0
    }

    struct Frame {
        var message: DeliverMessage
        var numbers: [UInt64]? = nil
    }

    private var random: FastRandom
    private var now: Int64 = 1_000_000_000
    private var producer: ProducerSession
    private var collector: CollectorSession<Peer>
    private var produced: [StreamIdentity: Produced] = [:]
    private var order: [StreamIdentity] = []
    private var held: [StreamIdentity: Held] = [:]
    private var peer: Peer = 0
    private var hasSocket = false
    private var up: [Peer: [Frame]] = [:]
    private var down: [Frame] = []
    private var marks: [(SyncMark, [StreamIdentity: Held])] = []
    private var isCollectorFull = false
    private var isCalm = false
    private var openings: UInt64 = 0
    private(set) var resends = 0
    private(set) var counts = CollectorCounts()

    init(seed: UInt64) {
        random = FastRandom(seed: seed)
        producer = ProducerSession(ProducerSession.Configuration(seed: seed))
        var configuration = CollectorSession<Peer>.Configuration(collector: "c")
        configuration.windowBudget = 4000
        configuration.windowMinimum = 1000
        collector = CollectorSession(configuration, now: now)
    }

    // MARK: Running

    mutating func run(steps: Int) throws {
        try carryOut(producer.start(now: now))
        openStreams()
        for _ in 0..<steps { try step() }
        try calmDown()
    }

    private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }
    private mutating func pick(_ count: Int) -> Int { Int(random.next() % UInt64(max(count, 1))) }

    private mutating func openStreams() {
        openings += 1
        for shard in 0..<2 {
            let stream = StreamIdentity(
                journalHigh: 1, journalLow: 2, opening: openings, shard: UInt32(shard))
            produced[stream] = Produced()
            order.append(stream)
        }
    }

    private mutating func step() throws {
        switch pick(100) {
        case 0..<18: produce()
        case 18..<38: try send()
        case 38..<58: try deliverUp()
        case 58..<74: try deliverDown()
        case 74..<80: try sync()
        case 80..<91: try passTime(Int64(pick(300)) * 1_000_000)
        case 91: try passTime(Int64(pick(6000)) * 1_000_000)
        case 92: isCollectorFull.toggle()
        case 93: loseOne()
        case 94: doubleOne()
        case 95, 96: try breakConnection()
        case 97: if chance(30) { try failSync() }
        case 98: if chance(30) { try crashCollector() }
        default: if chance(30) { try crashProducer() }
        }
    }

    private mutating func calmDown() throws {
        isCalm = true
        isCollectorFull = false
        var rounds = 0
        while !isFinished {
            rounds += 1
            if rounds > 3000 { throw Failure(description: "no end in sight: \(state)") }
            try send()
            for _ in 0..<4 { try deliverUp() }
            for _ in 0..<4 { try deliverDown() }
            try sync()
            try passTime(50_000_000)
            for stream in order where produced[stream]?.isEnded == false {
                let state = produced[stream]!
                if !state.numbers.isEmpty, state.cursor == state.numbers.last {
                    // A crashed producer's stream may have nothing left but its farewell.
                    try carryOut(
                        producer.offer(
                            stream, first: state.cursor + 1, durable: true, resumed: true, now: now))
                    try carryOut(producer.finish(stream, now: now))
                }
            }
        }
        for stream in order {
            let wanted = produced[stream]!.numbers
            let got = held[stream]?.numbers ?? []
            if wanted != got { throw Failure(description: "\(stream): wanted \(wanted), held \(got)") }
        }
    }

    private var isFinished: Bool {
        order.allSatisfy { produced[$0]!.numbers.isEmpty || produced[$0]!.isEnded }
    }

    private var state: String {
        order.map { "\($0.opening)/\($0.shard): \(produced[$0]!) held \(held[$0]?.highest ?? 0)" }.joined(
            separator: "\n")
    }

    // MARK: The producer

    private mutating func produce() {
        let live = order.filter { produced[$0]!.isLive }
        let stream = live[pick(live.count)]
        for _ in 0...pick(4) {
            let number = produced[stream]!.next
            produced[stream]!.next += 1
            if !chance(5) { produced[stream]!.numbers.append(number) }
        }
    }

    /// Reads each stream's next run, cut at random, and sends it if the session allows.
    private mutating func send() throws {
        guard hasSocket else { return }
        for stream in order where !produced[stream]!.isEnded {
            let state = produced[stream]!
            guard let index = state.numbers.firstIndex(where: { $0 > state.read }) else { continue }
            try carryOut(
                producer.offer(
                    stream, first: state.numbers[index], durable: true, resumed: !state.isLive, now: now))
            guard let allowance = producer.allowance(for: stream, now: now) else { continue }
            let room = min(8, max(1, allowance / 100))
            let run = Array(state.numbers[index...].prefix(1 + pick(room)))
            guard let first = run.first, let last = run.last else { continue }
            if last <= producer.acknowledged(of: stream) {
                // The collector holds more than the cursor knew.
                produced[stream]!.read = last
                produced[stream]!.cursor = max(state.cursor, last)
                continue
            }
            let batch = producer.batch(stream, first: first, last: last, count: run.count)
            producer.sent(batch, bytes: run.count * 100, now: now)
            up[peer, default: []].append(Frame(message: .batch(batch), numbers: run))
            produced[stream]!.read = last
        }
    }

    private mutating func carryOut(_ actions: [ProducerAction]) throws {
        for action in actions {
            switch action {
            case .openSocket:
                peer += 1
                hasSocket = true
                up[peer] = []
                down = []
                try carryOut(
                    isCalm || !chance(15) ? producer.connected(now: now) : producer.disconnected(now: now))
            case .closeSocket:
                hasSocket = false
                down = []
                // What the kernel took may still arrive, and then nothing more.
                if isCalm || chance(50) { up[peer] = nil }
            case .send(let message):
                if hasSocket { up[peer, default: []].append(Frame(message: message)) }
            case .acknowledged(let stream, let number):
                try checkAcknowledged(stream, number)
                produced[stream]!.cursor = max(produced[stream]!.cursor, number)
                produced[stream]!.read = max(produced[stream]!.read, number)
            case .resend(let stream, let number):
                resends += 1
                produced[stream]!.read = number
                // A reader goes back to its cursor, which may lie below what was acknowledged.
                if chance(30) { produced[stream]!.read = number - min(number, UInt64(pick(4))) }
            case .ended(let stream):
                produced[stream]!.isEnded = true
                guard produced[stream]!.cursor >= produced[stream]!.numbers.last ?? 0 else {
                    throw Failure(description: "ended before its end")
                }
            case .invalid:
                throw Failure(description: "nothing is invalid here")
            case .warn(.refused(let reason, let message)):
                throw Failure(description: "refused: \(reason) \(message)")
            case .warn(.forgotten(let stream)):
                // The lowest records can be missing; nothing else makes a stream unknown here.
                if held[stream]?.durable ?? 0 > 0 { throw Failure(description: "\(stream) was forgotten") }
            case .warn:
                break
            }
        }
    }

    private mutating func checkAcknowledged(_ stream: StreamIdentity, _ number: UInt64) throws {
        let state = held[stream] ?? Held()
        let wanted = produced[stream]!.numbers.prefix { $0 <= number }
        let durable = state.numbers.prefix(state.durable)
        if !durable.starts(with: wanted) {
            throw Failure(description: "acknowledged \(number) of \(stream), durable is \(durable)")
        }
    }

    private mutating func crashProducer() throws {
        producer = ProducerSession(ProducerSession.Configuration(seed: random.next()))
        hasSocket = false
        down = []
        if chance(50) { up[peer] = nil }
        for stream in order where !produced[stream]!.isEnded {
            produced[stream]!.isLive = false
            // The durable cursor stands at the end of some run, at or below what was acknowledged.
            produced[stream]!.cursor -= min(produced[stream]!.cursor, UInt64(pick(3)))
            produced[stream]!.read = produced[stream]!.cursor
        }
        openStreams()
        try carryOut(producer.start(now: now))
    }

    // MARK: The link

    private mutating func deliverUp() throws {
        guard let from = up.keys.sorted().first(where: { !up[$0]!.isEmpty && (chance(50) || isCalm) }) else {
            return
        }
        let frame = up[from]!.removeFirst()
        if up[from]!.isEmpty && from != peer { up[from] = nil }
        let bytes = frame.numbers.map { $0.count * 100 }
        switch collector.receive(frame.message, payloadBytes: bytes, from: from, now: now) {
        case .answers(let answers): answer(answers)
        case .take(let offer): try take(offer, frame.numbers ?? [])
        }
    }

    private mutating func deliverDown() throws {
        guard hasSocket, !down.isEmpty else { return }
        try carryOut(producer.received(down.removeFirst().message, now: now))
    }

    private mutating func loseOne() {
        if chance(50), !down.isEmpty {
            down.remove(at: pick(down.count))
        } else if var frames = up[peer], !frames.isEmpty {
            frames.remove(at: pick(frames.count))
            up[peer] = frames
        }
    }

    private mutating func doubleOne() {
        if chance(50), !down.isEmpty {
            let index = pick(down.count)
            down.insert(down[index], at: index)
        } else if var frames = up[peer], !frames.isEmpty {
            let index = pick(frames.count)
            frames.insert(frames[index], at: index)
            up[peer] = frames
        }
    }

    private mutating func breakConnection() throws {
        guard hasSocket else { return }
        down = []
        if chance(50) { up[peer] = nil }
        try carryOut(producer.disconnected(now: now))
    }

    private mutating func passTime(_ nanoseconds: Int64) throws {
        now += nanoseconds
        try carryOut(producer.tick(now: now))
        answer(collector.tick(now: now).answers)
    }

    // MARK: The collector

    private mutating func answer(_ answers: [CollectorAnswer<Peer>]) {
        for answer in answers {
            if answer.peer == peer && hasSocket {
                // A full connection drops an answer; the next replaces it.
                if isCalm || !chance(3) { down.append(Frame(message: answer.message)) }
            } else if chance(50) {
                collector.gone(answer.peer)
            }
        }
    }

    private mutating func take(_ offer: BatchOffer<Peer>, _ numbers: [UInt64]) throws {
        if isCollectorFull && chance(80) {
            answer(collector.full(offer, now: now))
            return
        }
        var state = held[offer.batch.stream] ?? Held()
        let new = numbers.filter { $0 > offer.above }
        if let last = state.numbers.last, let first = new.first, first <= last {
            throw Failure(description: "\(offer.batch.stream): \(first) taken after \(last)")
        }
        // The journal may fill up in the middle.
        let cut = isCollectorFull ? pick(new.count) : new.count
        state.numbers += new.prefix(cut)
        let through = cut == new.count ? offer.batch.last : new.prefix(cut).last ?? offer.above
        state.highest = max(state.highest, through)
        held[offer.batch.stream] = state
        let duplicates = numbers.count - new.count
        collector.stored(
            offer, through: through, received: duplicates + cut, duplicates: duplicates, now: now)
        if cut < new.count { answer(collector.full(offer, now: now)) }
    }

    private mutating func sync() throws {
        if !marks.isEmpty, isCalm || chance(60) {
            let (mark, snapshot) = marks.removeFirst()
            for (stream, state) in snapshot {
                held[stream]!.durable = max(held[stream]!.durable, state.numbers.count)
                held[stream]!.durableHighest = max(held[stream]!.durableHighest, state.highest)
            }
            answer(collector.endSync(mark, now: now))
        }
        if isCalm || chance(50) || collector.isSyncDue(now: now) {
            marks.append((collector.beginSync(), held))
        }
    }

    private mutating func failSync() throws {
        for stream in order {
            guard let state = held[stream] else { continue }
            held[stream]!.numbers = Array(state.numbers.prefix(state.durable))
            held[stream]!.highest = state.durableHighest
        }
        marks = []
        answer(collector.failSync(now: now))
    }

    private mutating func crashCollector() throws {
        counts = collector.counts
        var streams: [HeldStream] = []
        for stream in order {
            guard var state = held[stream], !state.numbers.isEmpty else { continue }
            // Between what was synced and what was written, anything may have reached the disk.
            let kept = state.durable + pick(state.numbers.count - state.durable + 1)
            state.highest =
                kept == state.numbers.count
                ? state.highest : max(state.durableHighest, kept > 0 ? state.numbers[kept - 1] : 0)
            state.numbers = Array(state.numbers.prefix(kept))
            state.durable = kept
            // A number that was passed over at the end stands in no record: recovery knows the last record's.
            state.highest = max(state.durableHighest, state.numbers.last ?? 0)
            state.durableHighest = state.highest
            held[stream] = state
            streams.append(HeldStream(identity: stream, highest: state.highest, isDurable: true))
        }
        marks = []
        collector = CollectorSession(collector.configuration, streams: streams, now: now)
        up = up.mapValues { _ in [] }
        try breakConnection()
    }
}
