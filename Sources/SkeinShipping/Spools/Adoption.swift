import SkeinJournal
import SkeinPlatform

/// One journal of a dead process while it is being delivered. Confined to the adopter's thread.
final class Adoption {
    let folder: String
    let journal: MappedJournal
    let recovery: JournalRecovery
    let shipper: Shipper
    let endpoint: Endpoint
    /// When it last got on.
    private(set) var lastProgress: Int64
    private var progress: (bytes: Int, abandoned: Int)
    /// What of it the status has already.
    var counted = (delivered: UInt64(0), abandoned: 0, unreadable: 0)

    init(
        _ folder: String, _ journal: MappedJournal, to endpoint: Endpoint,
        _ configuration: SpoolAdopter.Configuration, now: Int64,
        onWarning: @escaping @Sendable (String) -> Void
    ) throws(ShippingError) {
        self.folder = folder
        self.journal = journal
        self.endpoint = endpoint
        recovery = JournalRecovery(journal, host: configuration.host)
        let owner = journal.recovered.owner
        var settings = Shipper.Configuration(
            endpoint: endpoint, service: owner?.service ?? "", host: owner?.host ?? "",
            pid: Int32(bitPattern: owner?.pid ?? 0))
        settings.curve = configuration.curve
        // What is damaged is for a person to see: nothing of it may be recycled when it is passed.
        if journal.recovered.damagedRecords > 0 || journal.recovered.damagedBytes > 0 {
            do { _ = try journal.reader(shard: 0, cursor: "damaged") } catch {
                throw ShippingError(.journal, "keeping the damaged journal \(folder) failed: \(error)")
            }
        }
        shipper = try Shipper(
            journal: journal, recovery: recovery, configuration: settings, onWarning: onWarning)
        lastProgress = now
        progress = (journal.unacknowledgedBytes(), 0)
    }

    var isDamaged: Bool { journal.recovered.damagedRecords > 0 || journal.recovered.damagedBytes > 0 }

    /// Whether everything in it is acknowledged, and nothing more comes.
    var isDelivered: Bool { recovery.isDone && journal.unacknowledgedBytes() == 0 }

    /// Looks whether it got on.
    func look(now: Int64) {
        let current = (bytes: journal.unacknowledgedBytes(), abandoned: recovery.abandoned)
        if current != progress { lastProgress = now }
        progress = current
    }

    /// Ends the shipper, which says farewell to the streams that are delivered, and lets go of the journal: gone if everything
    /// in it was delivered, set aside if some of it could not be read.
    /// - Returns: whether everything was delivered. nil: the shipper hangs, and the journal with it.
    func end(timeout: Duration) -> Bool? {
        ForkGate.pausing { shipper.shutdown(timeout: timeout) }
        guard shipper.hasEnded else { return nil }
        guard isDelivered else {
            journal.close(clean: false)
            return false
        }
        guard isDamaged else {
            journal.closeAndRemove()
            return true
        }
        // Renamed while it is locked, so that nobody takes it for a journal to go on with.
        let renamed = rename(folder, Self.parent(folder) + Self.asideName(journal)) == 0
        journal.close(clean: true)
        return renamed
    }

    /// What a damaged journal is called once it is delivered: no number, so that neither apps nor adopters take it.
    static func asideName(_ journal: MappedJournal) -> String { "damaged-\(journal.id)" }

    private static func parent(_ folder: String) -> String {
        folder.lastIndex(of: "/").map { String(folder[...$0]) } ?? ""
    }
}
