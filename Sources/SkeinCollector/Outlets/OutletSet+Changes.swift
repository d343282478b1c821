import SkeinJournal
import SkeinPlatform

// What changes while the collector runs, or between two of its lives.
extension OutletSet {
    // MARK: Reloading

    /// Puts a new configuration in force: new outlets start, those no longer named finish what waits for them, the
    /// others follow the new rules. When something cannot be started, everything stays as it was.
    func apply(_ configuration: CollectorConfiguration) throws(CollectorError) {
        // Not the entries themselves: they would keep the locks of outlets that are to be started again.
        let old = entries.filter { $0.retiring == nil }.map(\.configuration)
        let changed = configuration.outlets.filter { new in
            old.contains { $0.name == new.name && $0.kind != new.kind }
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
        if let busy = new.first(where: { outlet in entries.contains { $0.configuration.name == outlet.name } }
        ) {
            throw CollectorError(
                .state,
                "\(busy.name) was removed and still finishes what waits for it: try again later, or give it a new name"
            )
        }
        var started: [Entry] = []
        do {
            for outlet in new { started.append(try start(outlet, routing(outlet, configuration))) }
            for outlet in changed { try exchange(outlet, configuration) }
        } catch {
            let now = SystemClock.monotonicNanoseconds()
            for entry in started {
                entry.outlet.stop(by: now)
                _ = entry.outlet.waitForEnd(until: now + 5_000_000_000)
                forget(entry.configuration.name)
            }
            throw error
        }
        add(started)
        for entry in entries where entry.retiring == nil {
            if let outlet = configuration.outlets.first(where: { $0.name == entry.configuration.name }) {
                entry.outlet.route(routing(outlet, configuration))
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
            ($0.configuration, $0.outlet)
        }
        guard let (old, running) = found else { return }
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
            add([try start(outlet, routing(outlet, configuration))])
        } catch {
            if let again = try? start(old, routing(old, configuration)) { add([again]) }
            throw error
        }
    }

    // MARK: Retiring

    /// Lets an outlet finish what the journal has for it now, and no more.
    private func retire(_ name: String) {
        guard let entry = entries.first(where: { $0.configuration.name == name }) else { return }
        guard entry.configuration.kind != .stream else {
            entry.outlet.stop(by: SystemClock.monotonicNanoseconds())
            return remove(name)
        }
        var file = OutletSettingsFile(configuration: entry.configuration)
        let position = surroundings.journal.durablePosition
        let now = SystemClock.wallNanoseconds()
        file.retired = now
        file.retireAt = position
        if let error = file.write(to: surroundings.folder) {
            surroundings.warner.warn("settings", "cannot write below \(surroundings.folder): \(error)")
        }
        entry.outlet.retire(at: position)
        setRetiring(name, Retirement(position: position, since: now))
    }

    /// Takes up outlets that an earlier life of the collector had, and that are no longer configured.
    func takeUpRetired(_ configuration: CollectorConfiguration) {
        let names = Set(configuration.outlets.map(\.name))
        for cursor in surroundings.journal.allCursors where !names.contains(cursor.name) {
            guard var file = OutletSettingsFile.read(surroundings.folder, cursor.name) else {
                drop(cursor.name, "its settings are not known")
                continue
            }
            let now = SystemClock.wallNanoseconds()
            let since = file.retired ?? now
            let position = file.retireAt ?? surroundings.recoveredEnd
            let waits = cursor.position < position || Folder.isThere(backlogPath(cursor.name))
            guard waits, now - since < surroundings.retirement.wholeNanoseconds else {
                drop(cursor.name, "it is no longer configured")
                continue
            }
            file.retired = since
            file.retireAt = position
            _ = file.write(to: surroundings.folder)
            do {
                var entry = try start(file.configuration, .all)
                entry.retiring = Retirement(position: position, since: since)
                entry.outlet.retire(at: position)
                add([entry])
                surroundings.warner.note(
                    "\(cursor.name) is no longer configured; it finishes what waits for it")
            } catch {
                surroundings.warner.warn("retired \(cursor.name)", "\(cursor.name): \(error.message)")
            }
        }
    }

    /// Ends outlets that have finished, or whose time is over. Called a few times a second.
    func reap() {
        let now = SystemClock.monotonicNanoseconds()
        for entry in entries {
            guard let retiring = entry.retiring else { continue }
            let name = entry.configuration.name
            if retiring.isStopping {
                guard entry.outlet.waitForEnd(until: 0) else { continue }
                remove(name)
                drop(name, "it is no longer configured")
                continue
            }
            let isOver =
                SystemClock.wallNanoseconds() - retiring.since >= surroundings.retirement.wholeNanoseconds
            guard isOver || entry.outlet.lag(behind: retiring.position) == nil else { continue }
            entry.outlet.stop(by: now + 10_000_000_000)
            var stopping = retiring
            stopping.isStopping = true
            setRetiring(name, stopping)
        }
    }

    /// Forgets an outlet for good, and lets go of what its cursor held back.
    private func drop(_ name: String, _ reason: String) {
        let behind = surroundings.journal.allCursors.first { $0.name == name }?.backlogBytes ?? 0
        forget(name)
        if behind > 0 {
            surroundings.warner.warn(
                "removed \(name)",
                "the outlet \(name) is dropped, since \(reason): \(behind) bytes that waited for it with it")
        }
    }

    private func forget(_ name: String) {
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
