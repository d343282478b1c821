import SkeinBSON
import SkeinJournal
import SkeinPlatform

/// How an outlet was set when it last ran, in `<dataPath>/outlets/<name>.settings`: so that one that is no longer
/// configured can finish what waits for it.
struct OutletSettingsFile {
    var configuration: OutletConfiguration
    /// What the rules say for it.
    var plan: RulePlan
    /// When it was found to be no longer configured, Unix nanoseconds.
    var retired: Int64?
    /// Up to where in the journal it still takes events then.
    var retireAt: JournalPosition?

    static func path(_ folder: String, _ name: String) -> String { folder + "/" + name + ".settings" }

    /// Writes it, durably; a failure is no more than a warning, since it matters only if the outlet is removed.
    func write(to folder: String) -> SystemError? {
        let path = Self.path(folder, configuration.name)
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return .current }
        let bytes = document.bytes
        let count = bytes.withUnsafeBytes { SkeinPlatform.write(descriptor, $0.baseAddress, $0.count) }
        // A write that is cut short by a full disk says nothing of it.
        let failure =
            count == bytes.count
            ? FileDurability.sync(descriptor) : SystemError(code: count < 0 ? errno : ENOSPC)
        _ = close(descriptor)
        guard failure == nil, rename(temporary, path) == 0 else { return failure ?? .current }
        return FileDurability.syncFolder(folder)
    }

    static func read(_ folder: String, _ name: String) -> OutletSettingsFile? {
        guard let bytes = try? BoundedFile.read(path(folder, name), maximumBytes: 16 << 20),
            let document = try? BSONDocument(validating: bytes)
        else { return nil }
        return OutletSettingsFile(document, name: name)
    }

    static func remove(_ folder: String, _ name: String) {
        unlink(path(folder, name))
        unlink(folder + "/" + name + ".checkpoint")
    }

    private var document: BSONDocument {
        var document: BSONDocument = ["v": 1, "kind": .string(configuration.kind.word)]
        switch configuration.kind {
        case .files(let files):
            document.append("path", .string(files.path))
            document.append("max_types", .int64(Int64(files.maximumTypes)))
            document.append("idle_ms", .int64(Int64(files.idle.wholeMilliseconds)))
            document.append("checkpoint_ms", .int64(Int64(files.checkpointInterval.wholeMilliseconds)))
            document.append("checkpoint_bytes", .int64(Int64(files.checkpointBytes)))
        case .stream: break
        case .forward(let forward):
            document.append("endpoint", .string(forward.endpoint))
            if let key = forward.key { document.append("key", .string(key)) }
        case .exec, .library, .processor:
            for (key, value) in configuration.kind.processorSettings { document.append(key, value) }
        }
        if let conditions = plan.conditions {
            document.append("conditions", .array(.array(conditions.map { .string($0) })))
        }
        if let rules = plan.acting {
            document.append("rules", .array(.array(rules.map { .document($0.document) })))
        }
        document.append("overflow", .string(configuration.overflow.rawValue))
        if let bytes = configuration.backlogBudgetBytes {
            document.append("backlog_budget", .int64(Int64(bytes)))
        }
        if let retired, let retireAt {
            document.append("retired", .int64(retired))
            document.append("sequence", .int64(Int64(bitPattern: retireAt.sequence)))
            document.append("offset", .int64(Int64(bitPattern: retireAt.offset)))
        }
        return document
    }

    init(configuration: OutletConfiguration, plan: RulePlan) {
        self.configuration = configuration
        self.plan = plan
    }

    private init?(_ document: BSONDocument, name: String) {
        func number(_ key: String) -> Int? { document[key]?.intValue.flatMap { Int(exactly: $0) } }
        let kind: OutletConfiguration.Kind
        switch document["kind"]?.stringValue {
        case "files":
            guard let path = document["path"]?.stringValue, let types = number("max_types"),
                let idle = number("idle_ms"),
                let interval = number("checkpoint_ms"), let bytes = number("checkpoint_bytes")
            else { return nil }
            var files = OutletConfiguration.Files(path: path)
            files.maximumTypes = types
            files.idle = .milliseconds(idle)
            files.checkpointInterval = .milliseconds(interval)
            files.checkpointBytes = bytes
            kind = .files(files)
        case "forward":
            guard let endpoint = document["endpoint"]?.stringValue else { return nil }
            var forward = OutletConfiguration.Forward(endpoint: endpoint)
            forward.key = document["key"]?.stringValue
            kind = .forward(forward)
        default:
            guard let processor = OutletConfiguration.Kind(processorSettings: document) else { return nil }
            kind = processor
        }
        configuration = OutletConfiguration(name: name, kind: kind)
        configuration.overflow =
            document["overflow"]?.stringValue.flatMap { OutletConfiguration.Overflow(rawValue: $0) } ?? .drop
        configuration.backlogBudgetBytes = number("backlog_budget")
        plan = RulePlan(
            conditions: document["conditions"]?.arrayValues?.compactMap(\.stringValue),
            acting: document["rules"]?.arrayValues?.compactMap { $0.documentValue.flatMap { Rule($0) } })
        if let retired = document["retired"]?.intValue, let sequence = document["sequence"]?.intValue,
            let offset = document["offset"]?.intValue
        {
            self.retired = retired
            retireAt = JournalPosition(
                sequence: UInt64(bitPattern: sequence), offset: UInt64(bitPattern: offset))
        }
    }
}
