/// Everything a ``Collector`` can be told. The defaults are those of `skeind` without arguments.
///
/// A plain value: change what you need and hand it over. It is checked once, by ``Collector/init(_:log:)``.
///
/// ```swift
/// var configuration = CollectorConfiguration(dataPath: "/var/lib/checkout/events")
/// configuration.control = .loopback()      // any free port
/// configuration.collect = [.loopback()]
/// configuration.deliver = .loopback()
/// ```
public struct CollectorConfiguration: Sendable, Hashable {
    /// The ports that speak ZeroMQ.
    public enum Port: String, Sendable, Hashable, CaseIterable {
        /// Requests; fire and forget; acknowledged batches; the live stream.
        case control, collect, deliver, stream
    }

    /// The journal's sizes and times.
    public struct Journal: Sendable, Hashable {
        /// Bytes that may wait on disk for outlets. Beyond it producers are told `full`.
        public var budgetBytes = 4 << 30
        /// Bytes of one segment file.
        public var segmentBytes = 64 << 20
        /// Bytes that may wait on disk for one outlet that lags, outside the journal.
        public var backlogBudgetBytes = 4 << 30
        /// How long an event may wait for its fdatasync.
        public var syncInterval: Duration = .milliseconds(100)

        /// The defaults.
        public init() {}
    }

    /// The control port. Default 127.0.0.1:3513.
    public var control = ListenAddress.loopback(3513)
    /// Where PUSH clients send events, fire and forget. Default 127.0.0.1:3514; may be empty.
    public var collect = [ListenAddress.loopback(3514)]
    /// Where acknowledged batches arrive. Default 127.0.0.1:3515; nil: not at all.
    public var deliver: ListenAddress? = .loopback(3515)
    /// The live stream. Default: a free port on the host of ``control``.
    public var stream: ListenAddress?
    /// The folder of journal and rejected events, made if missing.
    public var dataPath: String
    /// Ports that are served off loopback, or beside keys, without CURVE.
    public var insecure: Set<Port> = []
    /// File with the collector's CURVE secret key (40 characters of Z85).
    public var curveKeyFile: String?
    /// File with the public keys that may connect, one a line, a name behind it if you like.
    public var curveClientsFile: String?
    /// The journal's sizes and times. It lies in ``dataPath``.
    public var journal = Journal()
    /// Bytes of rejected events that are kept in `<dataPath>/rejected`.
    public var rejectedBudgetBytes = 256 << 20
    /// Bytes of events that rules with `hold:` keep back at a time, in memory; on disk up to some eight times as much.
    public var holdBudgetBytes = 64 << 20
    /// How long ``Collector/stop()`` lets outlets finish.
    public var drainTimeout: Duration = .seconds(10)
    /// How long an outlet that is no longer configured may go on with what waits for it.
    public var retirement: Duration = .seconds(24 * 3600)
    /// Where events go. Default: `files` and `stream`.
    public var outlets: [OutletConfiguration]
    /// Spool folders of apps on this machine: what a dead process left there is delivered. Default: none.
    public var spools: [String] = []
    /// Which events go where, and what is changed in them. As long as none names an outlet, all events go to every outlet.
    public var rules: [Rule] = []
    /// What the rules are to make of some events; a configuration that fails one is refused.
    public var ruleTests: [RuleTest] = []
    /// File with the secret with which rules hash values: 16 bytes to 4 KiB.
    public var redactKeyFile: String?
    /// The command that runs ``ProcessorHost``, for outlets of the kind `library`: a program of yours and a flag by which it knows.
    /// Empty: such outlets are refused.
    public var processorHost: [String] = []
    /// Whether to say more than warnings.
    public var isVerbose = false

    /// A configuration with the defaults.
    /// - Parameter dataPath: the folder of journal and rejected events; event files go to `<dataPath>/files`.
    public init(dataPath: String = "./skein-data") {
        self.dataPath = dataPath
        outlets = [
            OutletConfiguration(name: "files", kind: .files(.init(path: dataPath + "/files"))),
            OutletConfiguration(name: "stream", kind: .stream),
        ]
    }

    /// Where the live stream listens when nothing else is said.
    public var streamAddress: ListenAddress {
        stream ?? ListenAddress(host: control.host, port: 0)
    }
}
