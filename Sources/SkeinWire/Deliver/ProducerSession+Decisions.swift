import SkeinPlatform

/// What a session decides when something was said or is due.
extension ProducerSession {
    mutating func greet(_ stream: StreamIdentity, anew: Bool = false, _ now: Int64)
        -> [ProducerAction]
    {
        guard connection == .connected, let state = streams[stream] else { return [] }
        streams[stream]?.await(.greeting(anew: anew), now)
        lastTraffic = now
        return [
            .send(
                .hello(
                    DeliverMessage.Hello(
                        stream: stream, first: state.acknowledged + 1, durable: state.durable,
                        service: configuration.service, host: configuration.host, pid: configuration.pid,
                        path: configuration.path, anew: anew, sparse: state.sparse)))
        ]
    }

    mutating func welcome(_ welcome: DeliverMessage.Welcome, _ now: Int64) -> [ProducerAction] {
        guard let state = streams[welcome.stream], case .greeting = state.phase else { return [] }
        guard welcome.version == DeliverMessage.version else {
            return refused(.version, "version \(welcome.version)", now)
        }
        collector = welcome.collector
        failures = 0
        refusals = 0
        streams[welcome.stream]?.phase = .open
        streams[welcome.stream]?.window = welcome.window
        return acknowledged(welcome.stream, welcome.ack, now)
    }

    mutating func acknowledged(
        _ stream: StreamIdentity, _ number: UInt64, _ now: Int64
    ) -> [ProducerAction] {
        guard var state = streams[stream] else { return [] }
        if number > state.limit {
            return violated("an acknowledgement of what was never sent", now)
        }
        state.awaitingSince = now
        let advanced = state.acknowledge(number)
        streams[stream] = state
        return advanced ? [.acknowledged(stream, through: number)] : []
    }

    mutating func refuse(_ refuse: DeliverMessage.Refuse, _ now: Int64) -> [ProducerAction] {
        let known = refuse.stream.flatMap { stream in streams[stream].map { (stream, $0) } }
        switch refuse.reason {
        case .full:
            guard let (stream, state) = known else { return [] }
            return full(stream, state, refuse, now)
        case .invalid:
            guard let (stream, _) = known, let number = refuse.at else { return [] }
            streams[stream]?.awaitingSince = now
            return [.invalid(stream, number: number, count: refuse.count ?? 1)]
        case .gap:
            guard let (stream, state) = known else { return [] }
            return gap(stream, state, refuse, now)
        case .unknownStream:
            guard let (stream, state) = known else { return [] }
            return unknownStream(stream, state, isAboutHello: refuse.at != nil, now)
        case .protocolError:
            // Of a stream that is gone on our side, or of none: it is about something older.
            if refuse.stream != nil && known == nil { return [] }
            return refused(.protocolError, refuse.message ?? "", now)
        default:
            return refused(refuse.reason, refuse.message ?? "", now)
        }
    }

    mutating func full(
        _ stream: StreamIdentity, _ state: ProducerStream, _ refuse: DeliverMessage.Refuse, _ now: Int64
    ) -> [ProducerAction] {
        guard state.phase == .open || state.isGreeting else { return [] }
        let milliseconds = min(max(refuse.retryMilliseconds ?? 1000, 10), 60_000)
        let until = now + jittered(Int64(milliseconds) * 1_000_000)
        if state.isGreeting {
            streams[stream]?.phase = .postponed(until: until)
            return []
        }
        streams[stream]?.restart(.waiting(until: until))
        return [.resend(stream, after: state.acknowledged)]
    }

    mutating func gap(
        _ stream: StreamIdentity, _ state: ProducerStream, _ refuse: DeliverMessage.Refuse, _ now: Int64
    ) -> [ProducerAction] {
        // While we wait or greet, it answers what was sent before: what follows begins at the acknowledged end anyway.
        guard state.phase == .open, let at = refuse.at else { return [] }
        guard at >= 1, at - 1 <= state.limit else { return violated("a gap beyond what was sent", now) }
        guard strike(stream) else { return violated("gaps without end", now) }
        streams[stream]?.restart(.open)
        streams[stream]?.awaitingSince = now
        var actions: [ProducerAction] = [.resend(stream, after: state.acknowledged)]
        if at - 1 < state.acknowledged {
            // It lost what it had acknowledged: let HELLO tell it from where we can go on.
            actions += greet(stream, now)
        }
        return actions
    }

    mutating func unknownStream(
        _ stream: StreamIdentity, _ state: ProducerStream, isAboutHello: Bool, _ now: Int64
    ) -> [ProducerAction] {
        switch state.phase {
        case .ending:
            forget(stream)
            return [.ended(stream)]
        case .greeting(let anew):
            // Batches that were in flight when the last one was refused are refused, too; that is old news.
            guard isAboutHello else { return [] }
            guard strike(stream) else { return violated("a stream that is never known", now) }
            return (anew ? [] : [.warn(.forgotten(stream))]) + greet(stream, anew: true, now)
        case .open, .waiting:
            guard strike(stream) else { return violated("a stream that is never known", now) }
            streams[stream]?.restart(.closed)
            return [.resend(stream, after: state.acknowledged)] + greet(stream, now)
        case .closed, .postponed:
            return []
        }
    }

    /// Counts a setback of a stream without an acknowledgement in between. False when there were too many.
    mutating func strike(_ stream: StreamIdentity) -> Bool {
        streams[stream]?.strikes += 1
        return (streams[stream]?.strikes ?? 0) <= 16
    }

    mutating func drained(_ now: Int64) -> [ProducerAction] {
        retryLater(now + jittered(1_000_000_000), nil, "")
    }

    mutating func violated(_ what: String, _ now: Int64) -> [ProducerAction] {
        refused(.protocolError, what, now)
    }

    mutating func refused(_ reason: RefuseReason, _ message: String, _ now: Int64) -> [ProducerAction] {
        let pause = pause(
            from: .seconds(1), doubled: refusals, upTo: configuration.refusedBackoffMaximum)
        refusals += 1
        return retryLater(now + pause, reason, message)
    }

    mutating func reconnect(_ now: Int64) -> [ProducerAction] {
        let pause = pause(
            from: configuration.backoffMinimum, doubled: failures, upTo: configuration.backoffMaximum)
        failures += 1
        return retryLater(now + pause, nil, "")
    }

    mutating func retryLater(
        _ until: Int64, _ reason: RefuseReason?, _ message: String
    ) -> [ProducerAction] {
        var actions: [ProducerAction] = [.closeSocket]
        if let reason { actions.append(.warn(.refused(reason, message))) }
        actions += close()
        connection = .backingOff(until: until)
        reconnects += 1
        return actions
    }

    /// Takes every stream back to what is acknowledged.
    mutating func close() -> [ProducerAction] {
        pingSince = nil
        var actions: [ProducerAction] = []
        for stream in order {
            guard let state = streams[stream] else { continue }
            if state.phase == .ending {
                // Everything is acknowledged; only the farewell is missing.
                streams[stream]?.restart(.closed)
                continue
            }
            if state.sent > state.acknowledged { actions.append(.resend(stream, after: state.acknowledged)) }
            streams[stream]?.restart(.closed)
        }
        return actions
    }

    mutating func pause(from minimum: Duration, doubled times: Int, upTo maximum: Duration) -> Int64 {
        let doubled = minimum.wholeNanoseconds << Int64(min(times, 20))
        return jittered(min(doubled, maximum.wholeNanoseconds))
    }

    /// ± 20 %.
    mutating func jittered(_ nanoseconds: Int64) -> Int64 {
        let fifth = nanoseconds / 5
        return nanoseconds - fifth + Int64(jitter.next() % UInt64(max(1, 2 * fifth + 1)))
    }
}
