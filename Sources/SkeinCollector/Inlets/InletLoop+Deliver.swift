import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ

extension InletLoop {
    /// Streams that the journal holds, for the session.
    static func heldStreams(_ journal: BatchJournal) -> [HeldStream] {
        let now = SystemClock.wallNanoseconds()
        return journal.allStreams.filter { $0.index != 0 && $0.stream.journal != journal.id }.map { row in
            HeldStream(
                identity: StreamIdentity(row.stream), highest: row.highest, isDurable: row.isDurable,
                hasEnded: row.isEnded, idle: .nanoseconds(max(0, now - row.lastHeard)))
        }
    }

    /// Takes messages of acknowledged producers.
    /// - Returns: whether there may be more.
    @discardableResult
    func receiveDeliveries(limit: Int) -> Bool {
        do {
            for _ in 0..<limit {
                guard let sender = try sockets.deliver.receive() else { return false }
                try receiveDelivery(from: sender)
            }
            return true
        } catch {
            parts.warner.warn("deliver", "deliver: \(error)")
            return false
        }
    }

    private func receiveDelivery(from sender: consuming ZMQMessage) throws(ZMQError) {
        let peer = sender.bytes()
        guard sender.hasMore, let header = try sockets.deliver.receive() else {
            return send(session.nonsense(from: peer, "a message without frames"))
        }
        let message: DeliverMessage
        do {
            message = try header.withBytes { (bytes) throws(DeliverMessageError) in
                try DeliverMessage(decoding: bytes)
            }
        } catch {
            if header.hasMore { try sockets.deliver.discardRest() }
            return send(session.nonsense(from: peer, error.description))
        }
        guard header.hasMore, var payload = try sockets.deliver.receive() else {
            return receive(message, from: peer)
        }
        if payload.hasMore {
            try sockets.deliver.discardRest()
            return send(session.nonsense(from: peer, "more than two frames"))
        }
        let now = SystemClock.monotonicNanoseconds()
        switch session.receive(message, payloadBytes: payload.count, from: peer, now: now) {
        case .answers(let answers): send(answers)
        case .take(let offer): payload.withMutableBytes { take(offer, $0, now) }
        }
        countReceived()
    }

    /// A message without a payload.
    private func receive(_ message: DeliverMessage, from peer: [UInt8]) {
        let now = SystemClock.monotonicNanoseconds()
        guard case .answers(let answers) = session.receive(message, payloadBytes: nil, from: peer, now: now)
        else {
            return
        }
        for answer in answers {
            switch (message, answer.message) {
            case (.hello(let hello), .welcome):
                streams[hello.stream, default: (nil, false)].isDurable = hello.durable
                note(upstream: hello.path)
            case (.bye(let bye), .goodbye): end(bye.stream)
            default: break
            }
        }
        countReceived()
        send(answers)
    }

    /// Remembers the collectors behind a producer. Where this one sends on, it says so.
    private func note(upstream path: [String]) {
        for id in path where !heardUpstream.contains(id) && heardUpstream.count < 63 {
            heardUpstream.append(id)
            writeUpstream(SystemClock.monotonicNanoseconds())
        }
        let new = path.filter { !upstream.contains($0) }
        guard !new.isEmpty, upstream.count < 63 else { return }
        upstream += new.prefix(63 - upstream.count)
        parts.outlets.follow(upstream: upstream)
    }

    func writeUpstream(_ now: Int64) {
        upstreamWritten = now
        let wall = SystemClock.wallNanoseconds()
        for id in heardUpstream { upstreamTimes[id] = wall }
        if let error = parts.upstreamFile.write(upstreamTimes) {
            parts.warner.note("cannot write \(parts.upstreamFile.path): \(error)")
        }
    }

    private func end(_ stream: StreamIdentity) {
        guard let row = journal.stream(JournalStream(stream)), !row.isEnded else { return }
        do {
            try journal.endStream(row.index)
            markUnsynced()
        } catch {
            // It is then remembered for as long as a silent one.
            parts.warner.note("stream \(stream) ended: \(error)")
        }
        streams[stream] = nil
    }

    /// Takes over what the session counted: it alone sees batches of which nothing is new.
    private func countReceived() {
        let counts = session.counts
        ledger.add(.received, counts.received &- counted.received)
        ledger.add(.duplicate, counts.duplicate &- counted.duplicate)
        ledger.add(.lostUpstream, counts.lostUpstream &- counted.lostUpstream)
        counted = counts
    }

    // MARK: Batches

    /// Journals what is new of a batch.
    private func take(_ offer: BatchOffer<[UInt8]>, _ payload: UnsafeMutableRawBufferPointer, _ now: Int64) {
        let batch = offer.batch
        let arrival = SystemClock.wallNanoseconds()
        let index: UInt32
        do {
            index = try row(of: batch.stream, above: offer.above, arrival)
        } catch {
            return refuse(offer, error.code, error.message, now)
        }
        var invalid: [(number: UInt64, reason: RejectReason)] = []
        // Local, so that the loop pays for no checks of exclusive access.
        var envelope = EventEnvelope()
        let maximumPayload = journal.maximumPayload
        let statistics = statistics
        let outcome = journal.append(
            payload, stream: index, numbers: batch.first...batch.last, arrival: arrival
        ) { record in
            guard record.kind == .event else { return true }
            let reason =
                EventCheck.check(record.payload, into: &envelope)
                ?? (record.payload.count > maximumPayload ? .tooLarge : nil)
            if let reason {
                invalid.append((record.number, reason))
                ledger.reject(reason)
                let item = RejectedStore.Item(
                    reason: reason, source: "deliver",
                    detail: "record \(record.number) of stream \(batch.stream)")
                parts.rejected.add(item, record.payload)
                return false
            }
            statistics.note(envelope, record.payload, arrival: arrival)
            return true
        }
        if outcome.journaled > 0 { statistics.noteLast(envelope, arrival: arrival) }
        let received = outcome.journaled + outcome.duplicates + outcome.rejected
        ledger.add(.journaled, outcome.journaled)
        let through =
            outcome.failure == nil ? batch.last : journal.stream(index).map(\.highest) ?? offer.above
        session.stored(
            offer, through: through, received: received, duplicates: outcome.duplicates, now: now)
        if received > outcome.duplicates { markUnsynced() }
        // One frame for each of thousands of bad records would only help who sends them: the last stands for the rest.
        for record in invalid.prefix(31) {
            send(session.invalid(offer, number: record.number, reason: record.reason.rawValue))
        }
        if invalid.count > 31, let last = invalid.last {
            send(
                session.invalid(
                    offer, number: last.number, count: invalid.count - 31, reason: last.reason.rawValue))
        }
        if let failure = outcome.failure { refuse(offer, failure, outcome.message, now) }
    }

    /// The journal's row for a stream, made when its first batch comes.
    private func row(
        of stream: StreamIdentity, above: UInt64, _ arrival: Int64
    ) throws(JournalError) -> UInt32 {
        guard JournalStream(stream).journal != journal.id else {
            throw JournalError(.malformed, "stream \(stream) is this collector's own")
        }
        let known = streams[stream] ?? (nil, false)
        if let index = known.index, let row = journal.stream(index), !row.isEnded, row.highest == above {
            return index
        }
        let row = try journal.openStream(
            JournalStream(stream), isDurable: known.isDurable, highest: above, now: arrival)
        if row.highest < above { try journal.skip(row.index, to: above) }
        streams[stream] = (row.index, known.isDurable)
        return row.index
    }

    private func refuse(
        _ offer: BatchOffer<[UInt8]>, _ code: JournalError.Code, _ message: String, _ now: Int64
    ) {
        switch code {
        case .malformed:
            parts.warner.warn("malformed", "deliver: \(message)")
            send(session.malformed(offer, message))
        case .full, .noSpace:
            parts.warner.warn("full", "deliver: producers are told to wait: \(message)")
            send(session.full(offer, message: message, now: now))
        default:
            if code == .unsynced { mustRollBack = true }
            parts.warner.warn("journal", "deliver: \(message)")
            send(session.full(offer, message: "the journal's disk failed", now: now))
        }
    }

    // MARK: Answers

    /// Sends answers. One that would block is dropped: the next replaces it.
    func send(_ answers: [CollectorAnswer<[UInt8]>]) {
        for answer in answers {
            do {
                guard try sockets.deliver.send(answer.peer, more: true) else { continue }
                _ = try sockets.deliver.send(answer.message.encoded())
            } catch {
                // The connection is gone; its streams are greeted again on a new one.
                session.gone(answer.peer)
            }
        }
    }
}
