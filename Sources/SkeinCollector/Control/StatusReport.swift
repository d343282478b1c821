import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinWire

extension InletLoop {
    /// The answer to STATUS: Ziggy's fields first, then ours.
    func statusReport() -> BSONDocument {
        let now = SystemClock.wallNanoseconds()
        var report = BSONBuilder(capacity: 16 << 10)
        report.append("last", statistics.lastArrival.map { .double(Double($0) * 1e-9) } ?? .null)
        report.append("lag", lag)
        report.append("hosts", document: statistics.hostsDocument)
        report.append("events", document: statistics.typesDocument)
        report.append("version", string: Collector.version)
        report.append("id", string: parts.collectorID)
        report.append("pid", int32: getpid())
        report.append("uptime", double: Double(now - parts.started) * 1e-9)
        report.append("ports", document: portsDocument)
        report.append("ledger", document: ledger.document)
        report.append("outlets", document: parts.outlets.status)
        if let rules = parts.outlets.rulesStatus { report.append("rules", array: rules) }
        if let hold = parts.outlets.hold { report.append("hold", document: hold.status) }
        report.append("outlets_removed", document: removedDocument)
        report.append("journal", document: journalDocument(now))
        report.append("deliver", document: deliverDocument)
        report.append("distlog", document: distlog.document)
        report.append("rejected", document: parts.rejected.document)
        report.append("connections", document: connections.document)
        if let spools = parts.spools.report {
            report.append("spools", array: spools.map { .document($0) })
        }
        report.appendArray("producers") { producers in
            let monotonic = SystemClock.monotonicNanoseconds()
            // Those heard of last; thousands would make the answer too long for its reader.
            let streams = session.knownStreams.filter { !$0.hasEnded || $0.isConnected }
                .sorted { $0.lastHeard > $1.lastHeard }.prefix(1000)
            for stream in streams { producers.append(.document(Self.document(stream, monotonic))) }
        }
        return report.finish()
    }

    /// How long the last event took to get here, seconds.
    private var lag: BSONValue {
        guard let arrival = statistics.lastArrival, let time = statistics.lastTime else { return .null }
        return .double(Double(arrival) * 1e-9 - time)
    }

    private var portsDocument: BSONDocument {
        let ports = sockets.ports
        return [
            "control": .int32(Int32(ports.control)),
            "collect": .array(.array(ports.collect.map { .int32(Int32($0)) })),
            "deliver": ports.deliver.map { .int32(Int32($0)) } ?? .null,
            "stream": parts.outlets.streamPort.map { .int32(Int32($0)) } ?? .null,
        ]
    }

    /// What waited for outlets that are gone.
    private var removedDocument: BSONDocument {
        let count = ledger.value(.outletRemoved)
        return [
            "dropped": .document(
                count > 0 ? ["outlet_removed": .int64(Int64(clamping: count))] : BSONDocument())
        ]
    }

    private func journalDocument(_ now: Int64) -> BSONDocument {
        let usage = journal.usage
        let oldest = parts.outlets.oldestArrival
        return [
            "id": .string(journal.id.description), "segments": .int64(Int64(usage.segments)),
            "free_segments": .int64(Int64(usage.freeSegments)), "bytes": .int64(Int64(usage.bytes)),
            "budget": .int64(Int64(usage.budgetBytes)),
            "oldest": oldest.map { .double(Double($0) * 1e-9) } ?? .null,
            "unsynced_for": unsyncedSince.map {
                .double(Double(SystemClock.monotonicNanoseconds() - $0) * 1e-9)
            } ?? .null,
            "skipped_records": .int64(Int64(journal.recovered.skippedRecords)),
            "damaged_records": .int64(Int64(journal.recovered.damagedRecords)),
        ]
    }

    private var deliverDocument: BSONDocument {
        let counts = session.counts
        func number(_ count: UInt64) -> BSONValue { .int64(Int64(clamping: count)) }
        return [
            "received": number(counts.received), "duplicate": number(counts.duplicate),
            "invalid": number(counts.invalid), "full": number(counts.refusedFull),
            "gaps": number(counts.gaps),
            "unknown_streams": number(counts.unknownStreams),
            "resumed_unknown": number(counts.resumedUnknown),
            "protocol_errors": number(counts.protocolErrors), "loops": number(counts.loops),
            "ended": number(counts.ended), "forgotten": number(counts.forgotten),
        ]
    }

    private static func document(_ stream: KnownStream, _ now: Int64) -> BSONDocument {
        [
            "stream": .string(stream.identity.description), "service": .string(stream.service),
            "host": .string(stream.host), "pid": .int32(stream.pid), "connected": .bool(stream.isConnected),
            "durable": .bool(stream.isDurable), "held": .int64(Int64(clamping: stream.highest)),
            "acknowledged": .int64(Int64(clamping: stream.durable)),
            "silent_for": .double(Double(now - stream.lastHeard) * 1e-9),
        ]
    }
}

extension ConnectionCounts {
    var document: BSONDocument {
        var document = BSONDocument()
        for port in ["control", "collect", "deliver"] {
            document.append(
                port,
                [
                    "accepted": .int64(Int64(accepted[port] ?? 0)),
                    "closed": .int64(Int64(closed[port] ?? 0)),
                    "failed_handshakes": .int64(Int64(failedHandshakes[port] ?? 0)),
                ])
        }
        return document
    }
}

extension RejectedStore {
    var document: BSONDocument {
        var reasons = BSONDocument()
        for (reason, count) in counts.sorted(by: { $0.key < $1.key }) {
            reasons.append(reason, .int64(Int64(clamping: count)))
        }
        let (kept, bytes) = usage
        return [
            "path": .string(folder), "since_start": .document(reasons), "kept": .int64(Int64(clamping: kept)),
            "bytes": .int64(Int64(bytes)),
        ]
    }
}
