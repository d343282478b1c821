/// One outlet: its name, what it is, and how it is set.
///
/// **An outlet is its name**: the cursor that says how far it has read is kept under it.
public struct OutletConfiguration: Sendable, Hashable {
    /// The files outlet's settings.
    public struct Files: Sendable, Hashable {
        /// The folder of day folders, made if missing.
        public var path: String
        /// Types that get a file of their own in a day; further ones share `_other-<day>.bson`.
        public var maximumTypes = 10_000
        /// How long a file without new events stays open.
        public var idle: Duration = .seconds(60)
        /// Files are synced and the cursor moves after this time…
        public var checkpointInterval: Duration = .seconds(5)
        /// … or this many bytes.
        public var checkpointBytes = 256 << 20

        /// The defaults, for files in that folder.
        public init(path: String) {
            self.path = path
        }
    }

    /// The forward outlet's settings.
    public struct Forward: Sendable, Hashable {
        /// The other collector: `host:3515`, `deliver://host:3515`, `push://host:3514`.
        public var endpoint: String
        /// The other collector's public key, 40 characters of Z85, or a file with it: the connection is then encrypted, with
        /// this collector's own key (``CollectorConfiguration/curveKeyFile``). nil: it is not.
        public var key: String?

        /// - Parameter endpoint: the other collector; it is checked with the rest of the configuration.
        public init(endpoint: String) {
            self.endpoint = endpoint
        }
    }

    /// What an outlet is.
    public enum Kind: Sendable, Hashable {
        /// Files of BSON documents in a folder a day.
        case files(Files)
        /// The live stream, on the stream port.
        case stream
        /// Another collector.
        case forward(Forward)
        /// A program that is fed events (`Docs/Processors.md`).
        case exec(Exec)
        /// A shared library that is fed events, in a process of its own.
        case library(Library)
        /// A type of the program around the collector.
        case processor(Processor)

        /// The word for it in a configuration file.
        public var word: String {
            switch self {
            case .files: "files"
            case .stream: "stream"
            case .forward: "forward"
            case .exec: "exec"
            case .library: "library"
            case .processor(let processor): processor.kind
            }
        }
    }

    /// Where an outlet whose name is new begins to read.
    public enum StartingPoint: String, Sendable, Hashable, CaseIterable {
        /// With what arrives from now on.
        case end
        /// With the oldest event that the journal still has.
        case oldest
    }

    /// What happens to events for an outlet whose backlog is full.
    public enum Overflow: String, Sendable, Hashable, CaseIterable {
        /// They are dropped for this outlet, counted, and told of in events of type `skein.dropped`.
        case drop
        /// They stay in the journal. When its budget is used up, too, producers are told to wait.
        case refuse
    }

    /// 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit.
    public var name: String
    /// What the outlet is, with its settings.
    public var kind: Kind
    /// Where it begins to read if its name is new.
    public var from = StartingPoint.end
    /// What happens when its backlog is full.
    public var overflow = Overflow.drop
    /// Bytes that its backlog may take; nil: ``CollectorConfiguration/Journal/backlogBudgetBytes``. At least four segments
    /// of the journal's size are used.
    public var backlogBudgetBytes: Int?

    /// An outlet that, if its name is new, begins with what arrives from now on.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }

    /// Whether it needs no new start to be like another one of its name.
    func isSet(as other: OutletConfiguration) -> Bool {
        kind == other.kind && overflow == other.overflow && backlogBudgetBytes == other.backlogBudgetBytes
    }

    /// The longest name, and what it may consist of: it names files.
    static let acceptedName =
        "1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit"

    static func isUsable(name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= 64 else { return false }
        return name.utf8.allSatisfy { isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) }
    }

    /// The name of an outlet that was given as an endpoint alone: `forward-master-3515`.
    static func name(forwardTo endpoint: String) -> String {
        let bare = endpoint.split(separator: "/").last.map(String.init) ?? endpoint
        let safe = bare.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
        return "forward-" + String(String(safe).prefix(56))
    }
}
