import SkeinJournal
import SkeinPlatform

// Rules that hold events back need somebody who reads for them.
extension OutletSet {
    /// Finds where the holds of rules begin, and puts the rules in force: outlets that are routed from then on go by them.
    /// - Returns: what to give back if nothing comes of it.
    func prepare(_ rules: [Rule], _ surroundings: RuleSurroundings) -> HoldBeginnings.State {
        let (begins, before) = beginnings.change(to: RuleHold.ids(rules))
        var surroundings = surroundings
        surroundings.begins = begins
        note(rules, surroundings)
        return before
    }

    /// Sees to it that the rules in force hold what they are to hold. Behind all outlets, since before a hold begins it changes
    /// nothing for anybody; or before all of them, where nothing is synced meanwhile.
    /// - Parameter isBeforeSyncs: holds begin at once.
    func startHolding(isBeforeSyncs: Bool) throws(CollectorError) {
        let (rules, known) = inForce
        let isHolding = rules.contains { $0.hold != nil }
        if let hold {
            guard hold.apply(rules, known) else {
                throw CollectorError(.timeout, "what rules hold does not answer; they begin when it does")
            }
        } else if isHolding || Folder.isThere(surroundings.holdPath) {
            let settings = HoldStage.Settings(
                path: surroundings.holdPath, segmentBytes: surroundings.journalSettings.segmentBytes,
                budgetBytes: surroundings.holdBytes,
                slack: surroundings.journalSettings.syncInterval.wholeNanoseconds + 1_000_000_000,
                warner: surroundings.warner, onLetGo: surroundings.onLetGo)
            note(holding: try HoldStage(settings, journal: surroundings.journal, rules: rules, known))
        } else {
            return
        }
        let failure =
            beginnings.arm()
            ?? (isBeforeSyncs ? beginnings.settle(surroundings.journal.durablePosition) : nil)
        if let failure {
            throw CollectorError(.folder, "cannot write beside \(surroundings.holdPath): \(failure)")
        }
    }

    /// What holds let go, on its way into the journal.
    var letGo: LetGoQueue? { hold?.queue }
}
