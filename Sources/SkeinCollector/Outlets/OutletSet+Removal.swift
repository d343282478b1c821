import SkeinJournal
import SkeinPlatform

// What becomes of an outlet that is no longer configured.
extension OutletSet {
    // MARK: Retiring

    /// Lets an outlet finish what the journal has for it now, and no more.
    func retire(_ name: String) {
        guard let entry = entries.first(where: { $0.configuration.name == name }) else { return }
        guard entry.configuration.kind != .stream else {
            entry.outlet.stop(by: SystemClock.monotonicNanoseconds())
            return remove(name)
        }
        var file = OutletSettingsFile(configuration: entry.configuration, plan: entry.plan)
        let position = surroundings.journal.durablePosition
        let now = SystemClock.wallNanoseconds()
        file.retired = now
        file.retireAt = position
        remember(file)
        entry.outlet.retire(at: position)
        change(name) { $0.retiring = Retirement(position: position, since: now) }
    }

    /// Takes up outlets that an earlier life of the collector had, and that are no longer configured.
    func takeUpRetired(_ configuration: CollectorConfiguration) {
        let names = Set(configuration.outlets.map(\.name))
        for cursor in surroundings.journal.allCursors
        where !names.contains(cursor.name) && cursor.name != HoldStage.cursor {
            guard var file = OutletSettingsFile.read(surroundings.folder, cursor.name) else {
                discard(Rest(name: cursor.name), "its settings are not known")
                continue
            }
            let now = SystemClock.wallNanoseconds()
            let since = file.retired ?? now
            let position = file.retireAt ?? surroundings.recoveredEnd
            let waits = cursor.position < position || Folder.isThere(backlogPath(cursor.name))
            guard waits, now - since < surroundings.retirement.wholeNanoseconds else {
                discard(
                    Rest(
                        name: cursor.name, configuration: file.configuration, plan: file.plan,
                        end: position), "it is no longer configured")
                continue
            }
            file.retired = since
            file.retireAt = position
            do {
                var entry = try start(file.configuration, file.plan)
                entry.retiring = Retirement(position: position, since: since)
                entry.outlet.retire(at: position)
                add([entry])
                remember(file)
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
            guard let retiring = entry.retiring, !retiring.isDiscarded else { continue }
            let name = entry.configuration.name
            if retiring.isStopping {
                guard entry.outlet.waitForEnd(until: 0) else { continue }
                change(name) { $0.retiring?.isDiscarded = true }
                discard(
                    Rest(
                        name: name, configuration: entry.configuration, plan: entry.plan,
                        end: retiring.position),
                    retiring.isForgotten ? "it was forgotten" : "it is no longer configured")
                continue
            }
            let isOver =
                retiring.isForgotten
                || SystemClock.wallNanoseconds() - retiring.since >= surroundings.retirement.wholeNanoseconds
            guard isOver || entry.outlet.lag(behind: retiring.position) == nil else { continue }
            // Who is to be forgotten is not waited for.
            entry.outlet.stop(by: now + (isOver ? 0 : 10_000_000_000))
            change(name) { $0.retiring?.isStopping = true }
        }
    }

    // MARK: Forgetting

    /// Forgets an outlet that is no longer configured, with all that waits for it. Waits until it is gone.
    func forget(_ name: String) throws(CollectorError) {
        if let entry = entries.first(where: { $0.configuration.name == name }) {
            guard entry.retiring != nil else {
                throw CollectorError(
                    .state, "\(name) is configured: take it out of the configuration and reload first")
            }
            change(name) { $0.retiring?.isForgotten = true }
        } else {
            let isKnown = surroundings.journal.allCursors.contains { $0.name == name }
            guard OutletConfiguration.isUsable(name: name), isKnown || Folder.isThere(backlogPath(name))
            else {
                throw CollectorError(.state, "no outlet is called \"\(name)\"")
            }
            let file = OutletSettingsFile.read(surroundings.folder, name)
            discard(
                Rest(
                    name: name, configuration: file?.configuration,
                    plan: file?.plan ?? RulePlan(conditions: nil),
                    end: file?.retireAt), "it was forgotten")
        }
        let deadline = SystemClock.monotonicNanoseconds() + 60_000_000_000
        while SystemClock.monotonicNanoseconds() < deadline {
            let isThere =
                entries.contains { $0.configuration.name == name }
                || surroundings.journal.allCursors.contains { $0.name == name }
                || Folder.isThere(backlogPath(name))
            if !isThere { return }
            usleep(5_000)
        }
        throw CollectorError(.timeout, "\(name) has not ended yet; it is forgotten when it has")
    }
}
