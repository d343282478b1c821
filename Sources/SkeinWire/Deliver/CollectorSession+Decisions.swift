import SkeinPlatform

/// What a session decides when something was said or is due.
extension CollectorSession {
    mutating func greet(
        _ hello: DeliverMessage.Hello, from peer: Peer, _ now: Int64
    ) -> DeliverMessage {
        func refuse(_ reason: RefuseReason, _ message: String?) -> DeliverMessage {
            .refuse(DeliverMessage.Refuse(stream: hello.stream, reason: reason, message: message))
        }
        guard hello.version == DeliverMessage.version else {
            counts.protocolErrors += 1
            return refuse(.version, "this collector speaks version \(DeliverMessage.version)")
        }
        guard !hello.path.contains(configuration.collector) else {
            counts.loops += 1
            return refuse(.loop, "this collector is behind the sender already")
        }
        if isDraining { return .goodbye(DeliverMessage.Goodbye(stream: nil)) }

        var state: CollectorStream<Peer>
        if let known = streams[hello.stream] {
            state = known
        } else {
            guard hello.first == 1 || hello.anew else {
                counts.unknownStreams += 1
                return .refuse(
                    DeliverMessage.Refuse(
                        stream: hello.stream, reason: .unknownStream, at: hello.first,
                        message: "its records below are not known here"))
            }
            guard streams.count < configuration.maximumStreams || makeRoom(now) else {
                counts.refusedFull += 1
                return refuseFull(hello.stream, "too many streams", times: 10)
            }
            state = CollectorStream(
                highest: hello.first - 1, isDurable: hello.durable, hasEnded: false, lastHeard: now)
            if hello.first > 1 { counts.resumedUnknown += 1 }
        }
        if hello.first > state.highest + 1 {
            // The producer has nothing below `first`: it was acknowledged once, and is not here.
            if !hello.sparse { counts.lostUpstream.addSaturating(hello.first - 1 - state.highest) }
            if state.durable == state.highest {
                state.durable = hello.first - 1
            } else {
                markUnsynced(hello.stream, now)
            }
            state.highest = hello.first - 1
        }
        detach(hello.stream, from: state.peer)
        peers[peer, default: CollectorPeer(lastHeard: now)].streams.insert(hello.stream)
        state.peer = peer
        state.hasEnded = false
        state.isDurable = state.isDurable || hello.durable
        state.isSparse = hello.sparse
        state.service = hello.service
        state.host = hello.host
        state.pid = hello.pid
        state.lastHeard = now
        state.lastAnswer = now
        state.setback = nil
        streams[hello.stream] = state
        return .welcome(
            DeliverMessage.Welcome(
                stream: hello.stream, ack: state.durable, window: window(now),
                collector: configuration.collector))
    }

    mutating func take(
        _ batch: DeliverMessage.Batch, _ payloadBytes: Int, from peer: Peer, _ now: Int64
    ) -> CollectorReply<Peer> {
        func answer(_ message: DeliverMessage) -> CollectorReply<Peer> {
            .answers([CollectorAnswer(message, to: peer)])
        }
        func violation(_ message: String) -> CollectorReply<Peer> {
            counts.protocolErrors += 1
            return answer(
                .refuse(DeliverMessage.Refuse(stream: batch.stream, reason: .protocolError, message: message))
            )
        }
        guard payloadBytes <= DeliverMessage.maximumPayloadBytes || batch.count == 1 else {
            return violation(
                "a batch of \(payloadBytes) bytes; \(DeliverMessage.maximumPayloadBytes) are allowed")
        }
        guard batch.count <= payloadBytes / DeliverMessage.recordHeaderBytes else {
            return violation("\(batch.count) records in \(payloadBytes) bytes")
        }
        guard var state = streams[batch.stream], state.peer == peer, !state.hasEnded else {
            counts.unknownStreams += 1
            return answer(.refuse(DeliverMessage.Refuse(stream: batch.stream, reason: .unknownStream)))
        }
        state.lastHeard = now
        state.lastBatch = now
        defer { streams[batch.stream] = state }
        guard batch.last > state.highest else {
            counts.received += UInt64(batch.count)
            counts.duplicate += UInt64(batch.count)
            state.lastAnswer = now
            return answer(
                .acknowledge(
                    DeliverMessage.Acknowledge(stream: batch.stream, ack: state.durable, window: window(now)))
            )
        }
        guard batch.first <= state.highest + 1 else {
            // What was in flight behind a refused batch comes, too: one answer a second is enough for all of it.
            if let setback = state.setback, now < setback + 1_000_000_000 { return .answers([]) }
            state.setback = now
            counts.gaps += 1
            return answer(
                .refuse(DeliverMessage.Refuse(stream: batch.stream, reason: .gap, at: state.highest + 1)))
        }
        return .take(BatchOffer(batch: batch, above: state.highest, payloadBytes: payloadBytes, peer: peer))
    }

    mutating func farewell(
        _ bye: DeliverMessage.Bye, from peer: Peer, _ now: Int64
    ) -> DeliverMessage {
        guard let state = streams[bye.stream], !state.hasEnded else {
            return .goodbye(DeliverMessage.Goodbye(stream: bye.stream))
        }
        guard state.peer == peer else {
            counts.unknownStreams += 1
            return .refuse(DeliverMessage.Refuse(stream: bye.stream, reason: .unknownStream))
        }
        guard bye.last <= state.durable else {
            counts.protocolErrors += 1
            return .refuse(
                DeliverMessage.Refuse(
                    stream: bye.stream, reason: .protocolError,
                    message: "BYE at \(bye.last), acknowledged is \(state.durable)"))
        }
        detach(bye.stream, from: peer)
        streams[bye.stream]?.hasEnded = true
        streams[bye.stream]?.peer = nil
        streams[bye.stream]?.lastHeard = now
        counts.ended += 1
        return .goodbye(DeliverMessage.Goodbye(stream: bye.stream))
    }

    mutating func markUnsynced(_ stream: StreamIdentity, _ now: Int64) {
        unsynced.insert(stream)
        pending.insert(stream)
        if oldestUnsynced == nil { oldestUnsynced = now }
    }

    func refuseFull(_ stream: StreamIdentity, _ message: String?, times: Int64 = 1) -> DeliverMessage {
        let milliseconds = configuration.retry.wholeNanoseconds / 1_000_000 * times
        return .refuse(
            DeliverMessage.Refuse(
                stream: stream, reason: .full, retryMilliseconds: Int32(clamping: milliseconds),
                message: message))
    }

    /// What one stream may have unacknowledged: its share of the budget among those that are busy.
    mutating func window(_ now: Int64) -> Int {
        if now >= busyCounted + 1_000_000_000 || busyCounted == 0 {
            busyCounted = now
            let since = now - 10_000_000_000
            busyCount = max(1, streams.values.count { $0.lastBatch.map { $0 >= since } ?? false })
        }
        return max(configuration.windowMinimum, configuration.windowBudget / busyCount)
    }

    mutating func detach(_ stream: StreamIdentity, from peer: Peer?) {
        guard let peer else { return }
        peers[peer]?.streams.remove(stream)
        if peers[peer]?.streams.isEmpty ?? false { peers[peer] = nil }
    }

    mutating func expire(_ now: Int64) {
        // A producer says something each second.
        for (peer, state) in peers where now - state.lastHeard > 60_000_000_000 { gone(peer) }
        let expired = streams.compactMap { stream, state -> StreamIdentity? in
            guard state.highest == state.durable, state.peer == nil else { return nil }
            let retention =
                state.hasEnded
                ? configuration.endedRetention
                : state.isDurable ? configuration.durableRetention : configuration.anonymousRetention
            return now - state.lastHeard > retention.wholeNanoseconds ? stream : nil
        }
        for stream in expired { streams[stream] = nil }
        counts.forgotten += UInt64(expired.count)
        forgotten += expired
    }

    /// Makes room for new streams: first goes what never sent a record, or has ended, then of those without a connection what
    /// was silent longest. At most once a second, since it looks at all of them.
    mutating func makeRoom(_ now: Int64) -> Bool {
        guard now >= nextMakingRoom else { return false }
        nextMakingRoom = now + 1_000_000_000
        var victims = streams.compactMap { stream, state in
            state.hasEnded || (state.peer == nil && state.highest == 0) ? stream : nil
        }
        if victims.isEmpty {
            victims = streams.filter { $0.value.peer == nil && $0.value.highest == $0.value.durable }
                .sorted { $0.value.lastHeard < $1.value.lastHeard }
                .prefix(configuration.maximumStreams / 16 + 1).map(\.key)
            counts.forgotten += UInt64(victims.count)
        }
        for stream in victims { streams[stream] = nil }
        forgotten += victims
        return streams.count < configuration.maximumStreams
    }
}

extension UInt64 {
    mutating func addSaturating(_ other: UInt64) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? .max : sum
    }

    func subtractingClamped(_ other: Int) -> UInt64 {
        self - Swift.min(self, UInt64(clamping: other))
    }
}
