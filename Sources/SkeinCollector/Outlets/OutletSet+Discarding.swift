import SkeinJournal
import SkeinPlatform
import SkeinWire
import Synchronization

// Dropping what waits for an outlet that is gone: counted, told, and then no longer held.
extension OutletSet {
    /// What waits for an outlet that does not run any more.
    struct Rest: Sendable {
        var name: String
        /// nil if it is not known.
        var configuration: OutletConfiguration?
        /// What the rules said for it.
        var plan = RulePlan(conditions: nil)
        /// Up to where in the journal events were for it.
        var end: JournalPosition?
    }

    /// Forgets an outlet for good, and lets go of what is held back for it. Reading what that is can take a while, so it
    /// is done on a thread of its own.
    func discard(_ rest: Rest, _ reason: String) {
        guard discards.withLock({ $0.names.insert(rest.name).inserted }) else { return }
        let work: @Sendable () -> Void = { [self] in
            discardNow(rest, reason)
            _ = discards.update { $0.names.remove(rest.name) }
        }
        do {
            try SystemThread(name: "skein-discard", work).detach()
        } catch {
            work()
        }
    }

    private func discardNow(_ rest: Rest, _ reason: String) {
        let name = rest.name
        guard let count = count(rest) else { return }  // the collector ends: the next start takes it up
        removeTraces(name)
        remove(name)
        guard count > 0 else { return }
        surroundings.journal.counter(HopLedger.Place.outletRemoved.rawValue).pointee
            .wrappingAdd(count, ordering: .relaxed)
        surroundings.notices.add("outlet_removed", at: name, count)
        surroundings.warner.warn(
            "removed \(name)",
            "the outlet \(name) is dropped, since \(reason): \(count) events that waited for it with it")
    }

    /// How many events wait for an outlet; nil if there is no time to find out.
    private func count(_ rest: Rest) -> UInt64? {
        let known = surroundings.journal.allCursors.contains { $0.name == rest.name }
        guard known else { return 0 }
        let configuration =
            rest.configuration ?? OutletConfiguration(name: rest.name, kind: .files(.init(path: "")))
        let routing = Routing(outlet: rest.name, rest.plan, rules)
        var count: UInt64 = 0
        do {
            let source = try source(configuration, routing) {}
            defer { source.close() }
            if let done = checkpointFile(configuration).load()?.checkpoint,
                done.journal == surroundings.journal.id.description
            {
                try source.resume(at: JournalPosition(sequence: done.sequence, offset: done.offset))
            }
            let scratch = RuleScratch(maximumBytes: rules.maximumBytes)
            reading: while case .run(let run) = try source.next(maximumBytes: 1 << 20) {
                if discards.withLock({ $0.isEnding }) { return nil }
                defer { run.run.release() }
                var records = run.makeRecords()
                while let record = records.next() {
                    if let end = rest.end, record.position >= end { break reading }
                    guard let original = record.original, original.kind != .dropNotice else { continue }
                    if run.isCopy || routing.event(original, at: record.position, scratch) != nil {
                        count += 1
                    }
                }
            }
        } catch {
            surroundings.warner.warn(
                "removed \(rest.name)", "\(rest.name): what waited for it cannot be counted: \(error)")
        }
        return count
    }

    /// Removes everything that is kept for an outlet.
    func removeTraces(_ name: String) {
        // Before its cursor: a backlog without one would be nobody's.
        if let error = Backlog.remove(backlogPath(name)) {
            surroundings.warner.warn("removed \(name)", "cannot remove \(backlogPath(name)): \(error)")
        }
        do {
            try surroundings.journal.dropCursor(name)
        } catch {
            surroundings.warner.warn("removed \(name)", error.message)
        }
        OutletSettingsFile.remove(surroundings.folder, name)
    }
}
