import SkeinCollector
import SkeinPlatform
import Synchronization

/// Reads the configuration's sources again and gives the result to the collector.
final class Reloader: Sendable {
    private let sources: ConfigurationSources
    private let running = Mutex<Collector?>(nil)

    init(_ sources: ConfigurationSources) {
        self.sources = sources
    }

    var collector: Collector? {
        get { running.withLock { $0 } }
        set { running.withLock { $0 = newValue } }
    }

    /// - Throws: the mistake, or what cannot be changed; the old configuration stays in force then.
    func reload() throws {
        try collector?.reload(
            sources.load(filters: RuleCondition.compile, processorHost: Daemon.processorHost).configuration)
    }
}
