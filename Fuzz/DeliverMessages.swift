import SkeinBSON
import SkeinWire

/// Headers of the deliver protocol over any bytes, and both sessions fed with what they decode to. The input is a run
/// of BSON documents (headers), each followed by one byte that says how to go on. Traps if a promise breaks.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDeliverMessages(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var rest = UnsafeRawBufferPointer(start: start, count: count)[...]
    var now: Int64 = 1
    var producer = ProducerSession(ProducerSession.Configuration(seed: 1))
    _ = producer.start(now: now)
    _ = producer.connected(now: now)
    var collector = CollectorSession<UInt8>(CollectorSession.Configuration(collector: "fuzz"), now: now)
    var held: [StreamIdentity: UInt64] = [:]

    while rest.count > 4 {
        let length = Int(
            UInt32(littleEndian: UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: UInt32.self)))
        let size = min(max(length, 5), rest.count)
        let header = UnsafeRawBufferPointer(rebasing: rest.prefix(size))
        rest = rest.dropFirst(size)
        let step = rest.popFirst() ?? 0
        guard let message = try? DeliverMessage(decoding: header) else { continue }
        if case .unknown = message {
        } else {
            precondition(
                (try? DeliverMessage(decoding: message.encoded())) == message, "not what was written")
        }
        now += Int64(step) << 24

        // To the collector, from one of four connections.
        let peer = step & 3
        switch collector.receive(
            message, payloadBytes: step & 4 == 0 ? nil : Int(step) << 8, from: peer, now: now)
        {
        case .answers(let answers): precondition(answers.allSatisfy { $0.peer == peer })
        case .take(let offer):
            let stream = offer.batch.stream
            precondition(offer.batch.last > offer.above && offer.batch.first <= offer.above + 1)
            precondition(offer.above >= held[stream] ?? 0, "a record would be taken twice")
            collector.stored(
                offer, through: offer.batch.last, received: offer.batch.count, duplicates: 0, now: now)
            held[stream] = offer.batch.last
        }
        if step & 8 != 0 { _ = collector.endSync(collector.beginSync(), now: now) }
        if step & 16 != 0 { _ = collector.tick(now: now) }

        // To the producer, who has a stream open under the same name.
        if let stream = message.stream {
            _ = producer.offer(stream, first: 1, durable: true, resumed: step & 32 != 0, now: now)
            if producer.allowance(for: stream, now: now) != nil {
                let next = producer.sent(of: stream) + 1
                if next < UInt64(Int64.max) {
                    producer.sent(
                        producer.batch(stream, first: next, last: next, count: 1), bytes: 100, now: now)
                }
            }
            let before = producer.acknowledged(of: stream)
            let isKnown = producer.isKnown(stream)
            _ = producer.received(message, now: now)
            if isKnown && producer.isKnown(stream) {
                precondition(producer.acknowledged(of: stream) >= before, "an acknowledgement fell")
            }
        }
        _ = producer.tick(now: now)
        if !producer.isConnected { _ = producer.connected(now: now) }
    }
    return 0
}

extension DeliverMessage {
    fileprivate var stream: StreamIdentity? {
        switch self {
        case .hello(let hello): hello.stream
        case .batch(let batch): batch.stream
        case .bye(let bye): bye.stream
        case .welcome(let welcome): welcome.stream
        case .acknowledge(let acknowledge): acknowledge.stream
        case .refuse(let refuse): refuse.stream
        case .goodbye(let goodbye): goodbye.stream
        case .ping, .pong, .unknown: nil
        }
    }
}
