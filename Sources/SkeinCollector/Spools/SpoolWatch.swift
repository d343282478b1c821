import SkeinBSON
import SkeinPlatform
import SkeinShipping
import SkeinWire
import SkeinZeroMQ

/// The folders of `spools:`: each is watched by an adopter that delivers what dead apps left there. Any thread.
///
/// What it delivers comes in by the deliver port like anything else, mostly this collector's own, under the streams of the dead:
/// what they had delivered themselves is known, and is not stored twice.
final class SpoolWatch: Sendable {
    /// What the adopters need of the collector.
    struct Surroundings: Sendable {
        /// Where journals go that name no endpoint we would use: this collector's deliver port.
        var fallback: Endpoint?
        /// The keys with which that port is served.
        var curve: CurveSettings?
        var warner: Warner
    }

    private struct State {
        var surroundings: Surroundings?
        var adopters: [(folder: String, adopter: SpoolAdopter)] = []
    }

    private let state = Monitor(State())

    /// Begins to watch.
    func start(_ folders: [String], _ surroundings: Surroundings) throws(CollectorError) {
        state.withLock { $0.surroundings = surroundings }
        try apply(folders)
    }

    /// Watches these folders from now on. What is being delivered from one that is named no more stays, for its app.
    func apply(_ folders: [String]) throws(CollectorError) {
        let (gone, new, surroundings) = state.withLock { state in
            let gone = state.adopters.filter { !folders.contains($0.folder) }
            state.adopters.removeAll { !folders.contains($0.folder) }
            let new = folders.filter { folder in !state.adopters.contains { $0.folder == folder } }
            return (gone, new, state.surroundings)
        }
        for (_, adopter) in gone { adopter.stop(timeout: .zero) }
        guard let surroundings else { return }
        for folder in new {
            do {
                let adopter = try Self.adopter(folder, surroundings)
                state.withLock { $0.adopters.append((folder, adopter)) }
            } catch {
                throw CollectorError(.resources, "cannot watch the spool \(folder): \(error)")
            }
        }
    }

    private static func adopter(
        _ folder: String, _ surroundings: Surroundings
    ) throws(ShippingError) -> SpoolAdopter {
        var configuration = SpoolAdopter.Configuration(folder: folder)
        configuration.fallback = surroundings.fallback
        // The app chose the path, and we may be allowed to write where it is not.
        configuration.takesFiles = false
        configuration.host = HostName.current
        if let keys = surroundings.curve?.keys { configuration.curve = (keys, keys.publicKey) }
        let warner = surroundings.warner
        return try SpoolAdopter(configuration) { text in warner.warn("spool \(folder)", text) }
    }

    /// Ends. What is not delivered stays.
    func stop() {
        let adopters = state.withLock { state in
            defer { state.adopters = [] }
            state.surroundings = nil
            return state.adopters
        }
        for (_, adopter) in adopters { adopter.stop(timeout: .zero) }
    }

    /// What STATUS says of each folder; nil if none is watched.
    var report: [BSONDocument]? {
        let adopters = state.withLock { $0.adopters }
        return adopters.isEmpty ? nil : adopters.map { Self.document($0.adopter.status) }
    }

    private static func document(_ status: SpoolStatus) -> BSONDocument {
        func number(_ count: UInt64) -> BSONValue { .int64(Int64(clamping: count)) }
        var dropped = BSONDocument()
        for (reason, count) in status.earlier.dropped.sorted(by: { $0.key < $1.key }) {
            dropped.append(reason, number(count))
        }
        return [
            "folder": .string(status.folder), "adopting": .int64(Int64(status.adopting)),
            "waiting": .int64(Int64(status.waiting)), "finished": number(status.finished),
            "set_aside": number(status.setAside), "kept": .int64(Int64(status.kept)),
            "delivered": number(status.delivered), "abandoned": number(status.abandoned),
            "unreadable": number(status.unreadable), "damaged": number(status.damaged),
            "damaged_records": number(status.damagedRecords), "created": number(status.earlier.created),
            "acknowledged": number(status.earlier.acknowledged), "dropped": .document(dropped),
            "problem": status.problem.map { .string($0) } ?? .null,
        ]
    }
}

extension ListenAddress {
    /// How this machine reaches a port that is bound here.
    func reached(at port: Int) -> Endpoint? {
        let name =
            ["*", "0.0.0.0"].contains(host) ? "127.0.0.1" : ["::", "[::]"].contains(host) ? "::1" : host
        let bare = name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
        return try? Endpoint("deliver://" + (bare.contains(":") ? "[\(bare)]" : bare) + ":\(port)")
    }
}
