import SkeinJournal
import SkeinPlatform

// What changes while the collector runs, or between two of its lives.
extension OutletSet {
    // MARK: Reloading

    /// Puts a new configuration in force: new outlets start, those no longer named finish what waits for them, the
    /// others follow the new rules. When something cannot be started, everything stays as it was.
    func apply(
        _ configuration: CollectorConfiguration, rules: RuleSurroundings
    ) throws(CollectorError) {
        let before = inForce
        let beginnings = prepare(configuration.rules, rules)
        do throws(CollectorError) {
            try change(to: configuration)
        } catch {
            self.beginnings.restore(beginnings)
            note(before.rules, before.surroundings)
            throw error
        }
        try startHolding(isBeforeSyncs: false)
    }

    private func change(to configuration: CollectorConfiguration) throws(CollectorError) {
        // Not the entries themselves: they would keep the locks of outlets that are to be started again.
        let old = entries.filter { $0.retiring == nil }.map(\.configuration)
        let changed = configuration.outlets.filter { new in
            old.contains { $0.name == new.name && !$0.isSet(as: new) }
        }
        for outlet in changed
        where outlet.kind.word != old.first(where: { $0.name == outlet.name })?.kind.word {
            throw CollectorError(
                .state,
                "\(outlet.name) cannot become another kind of outlet while the collector runs: give it a new name"
            )
        }
        let names = Set(old.map(\.name))
        let new = configuration.outlets.filter { !names.contains($0.name) }
        // One that retires keeps its cursor's name until it is done.
        let discarded = discards.withLock { $0.names }
        if let busy = new.first(where: { outlet in
            discarded.contains(outlet.name) || entries.contains { $0.configuration.name == outlet.name }
        }) {
            throw CollectorError(
                .state,
                "\(busy.name) was removed and still finishes what waits for it: try again later, or give it a new name"
            )
        }
        var started: [Entry] = []
        do {
            for outlet in new {
                started.append(try start(outlet, RulePlan(outlet: outlet.name, rules: configuration.rules)))
            }
            for outlet in changed { try exchange(outlet, configuration) }
        } catch {
            let now = SystemClock.monotonicNanoseconds()
            for entry in started {
                entry.outlet.stop(by: now)
                _ = entry.outlet.waitForEnd(until: now + 5_000_000_000)
                removeTraces(entry.configuration.name)
            }
            throw error
        }
        add(started)
        for entry in entries where entry.retiring == nil {
            if let outlet = configuration.outlets.first(where: { $0.name == entry.configuration.name }) {
                let plan = RulePlan(outlet: outlet.name, rules: configuration.rules)
                entry.outlet.route(Routing(outlet: outlet.name, plan, rules))
                change(outlet.name) { $0.plan = plan }
                remember(OutletSettingsFile(configuration: outlet, plan: plan))
            } else {
                retire(entry.configuration.name)
            }
        }
    }

    /// Ends an outlet and starts it again with other settings, at the same place in the journal.
    private func exchange(
        _ outlet: OutletConfiguration, _ configuration: CollectorConfiguration
    ) throws(CollectorError) {
        let found = entries.first { $0.configuration.name == outlet.name }.map {
            ($0.configuration, $0.outlet, $0.plan)
        }
        guard let (old, running, plan) = found else { return }
        if case .files(let files) = outlet.kind, case .files(let before) = old.kind,
            files.path != before.path
        {
            // Found out before anything is ended.
            _ = try Self.prepare(files.path)
        }
        let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
        running.stop(by: deadline)
        guard running.waitForEnd(until: deadline + 2_000_000_000) else {
            throw CollectorError(
                .timeout, "\(outlet.name) did not end in time, and keeps its old settings after a restart")
        }
        remove(outlet.name)
        do {
            add([try start(outlet, RulePlan(outlet: outlet.name, rules: configuration.rules))])
        } catch {
            if let again = try? start(old, plan) { add([again]) }
            throw error
        }
    }
}
