/// One thing that can be set from outside: by a flag, by a variable, by a key at the top of the YAML file. The one
/// table of them, ``all``, drives the reading of all three, `--check-config` and the documentation's tables.
struct Setting: Sendable {
    /// The name: `log-path` is the flag `--log-path`, the variable `SKEIND_LOG_PATH`, the key `log-path:`.
    let name: String
    /// The short flag that ziggyd had.
    var letter: Character?
    /// The key in the YAML file, where it is not the name.
    var listKey: String?
    /// Whether it is a flag; the finer settings are variables and keys only.
    var isFlag = true
    /// Whether it can be given several times (flag), as a list (key), or separated by commas (variable).
    var isList = false
    /// A flag without value; as variable and key it takes yes or no.
    var isSwitch = false
    /// Puts values, at least one, in place of what stood there.
    let apply: @Sendable (_ values: [String], _ draft: inout ConfigurationDraft) throws(BadValue) -> Void
    /// The values as they would be written.
    let show: @Sendable (ConfigurationDraft) -> [String]

    var key: String { listKey ?? name }

    var variable: String {
        "SKEIND_" + name.uppercased().replacing("-", with: "_")
    }

    static let all: [Setting] = ports + security + places + sizes

    private static let ports: [Setting] = [
        Setting(
            name: "control", letter: "t",
            apply: { (values, draft) throws(BadValue) in
                draft.settings.control = try ListenAddress(last(values))
            }, show: { ["\($0.settings.control)"] }),
        Setting(
            name: "collect", letter: "c", isList: true,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.collect = try addresses(values)
            }, show: { list($0.settings.collect) }),
        Setting(
            name: "deliver",
            apply: { (values, draft) throws(BadValue) in
                let value = try last(values)
                draft.settings.deliver = value == "none" ? nil : try ListenAddress(value)
            }, show: { [$0.settings.deliver.map { "\($0)" } ?? "none"] }),
        Setting(
            name: "stream",
            apply: { (values, draft) throws(BadValue) in
                let value = try last(values)
                draft.hasStream = value != "none"
                draft.settings.stream = value == "none" ? nil : try ListenAddress(value)
            }, show: { [$0.hasStream ? "\($0.settings.streamAddress)" : "none"] }),
        Setting(
            name: "forward", letter: "r", isList: true,
            apply: { (values, draft) throws(BadValue) in
                draft.forward = []
                for value in values where value != "none" {
                    draft.forward.append(try ForwardEndpoint.check(value))
                }
            }, show: { list($0.forward) }),
    ]

    private static let security: [Setting] = [
        Setting(
            name: "curve-key",
            apply: { (values, draft) throws(BadValue) in draft.settings.curveKeyFile = try path(values) },
            show: { [$0.settings.curveKeyFile ?? "none"] }),
        Setting(
            name: "curve-clients",
            apply: { (values, draft) throws(BadValue) in draft.settings.curveClientsFile = try path(values) },
            show: { [$0.settings.curveClientsFile ?? "none"] }),
        Setting(
            name: "insecure", isList: true,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.insecure = []
                for value in values where value != "none" {
                    guard let port = CollectorConfiguration.Port(rawValue: value) else {
                        throw BadValue(
                            "no port is called \"\(value)\"", accepts: "control, collect, deliver or stream")
                    }
                    draft.settings.insecure.insert(port)
                }
            }, show: { list($0.settings.insecure.map(\.rawValue).sorted()) }),
    ]

    private static let places: [Setting] = [
        Setting(
            name: "redact-key", isFlag: false,
            apply: { (values, draft) throws(BadValue) in draft.settings.redactKeyFile = try path(values) },
            show: { [$0.settings.redactKeyFile ?? "none"] }),
        Setting(
            name: "data",
            apply: { (values, draft) throws(BadValue) in draft.settings.dataPath = try last(values) },
            show: { [$0.settings.dataPath] }),
        Setting(
            name: "log-path", letter: "l",
            apply: { (values, draft) throws(BadValue) in
                let value = try last(values)
                draft.hasFiles = value != "none"
                draft.logPath = value == "none" ? nil : value
            }, show: { [$0.hasFiles ? $0.logPath ?? $0.settings.dataPath + "/files" : "none"] }),
        Setting(
            name: "spool", listKey: "spools", isList: true,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.spools = []
                for value in values where value != "none" {
                    guard !value.isEmpty else { throw BadValue("no folder") }
                    draft.settings.spools.append(value)
                }
            }, show: { list($0.settings.spools) }),
        Setting(
            name: "verbose", letter: "v", isSwitch: true,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.isVerbose = try yes(last(values))
            }, show: { [$0.settings.isVerbose ? "yes" : "no"] }),
    ]

    private static let sizes: [Setting] = [
        Setting(
            name: "journal-budget", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.journal.budgetBytes = try ByteSize.parse(last(values), in: 16 << 20...1 << 46)
            }, show: { [ByteSize.print($0.settings.journal.budgetBytes)] }),
        Setting(
            name: "journal-segment", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.journal.segmentBytes = try ByteSize.parse(last(values), in: 2 << 20...1 << 30)
            }, show: { [ByteSize.print($0.settings.journal.segmentBytes)] }),
        Setting(
            name: "backlog-budget", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.journal.backlogBudgetBytes = try ByteSize.parse(
                    last(values), in: 8 << 20...1 << 46)
            }, show: { [ByteSize.print($0.settings.journal.backlogBudgetBytes)] }),
        Setting(
            name: "sync-interval", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.journal.syncInterval = try TimeSpan.parse(
                    last(values), in: .milliseconds(1) ... .seconds(10))
            }, show: { [TimeSpan.print($0.settings.journal.syncInterval)] }),
        Setting(
            name: "max-types", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.files.maximumTypes = try number(last(values), in: 1...1_000_000)
            }, show: { ["\($0.files.maximumTypes)"] }),
        Setting(
            name: "file-idle", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.files.idle = try TimeSpan.parse(last(values), in: .seconds(1) ... .seconds(86_400))
            }, show: { [TimeSpan.print($0.files.idle)] }),
        Setting(
            name: "checkpoint-interval", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.files.checkpointInterval = try TimeSpan.parse(
                    last(values), in: .milliseconds(100) ... .seconds(600))
            }, show: { [TimeSpan.print($0.files.checkpointInterval)] }),
        Setting(
            name: "checkpoint-bytes", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.files.checkpointBytes = try ByteSize.parse(last(values), in: 1 << 20...1 << 40)
            }, show: { [ByteSize.print($0.files.checkpointBytes)] }),
        Setting(
            name: "rejected-budget", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.rejectedBudgetBytes = try ByteSize.parse(last(values), in: 0...1 << 46)
            }, show: { [ByteSize.print($0.settings.rejectedBudgetBytes)] }),
        Setting(
            name: "hold-budget", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.holdBudgetBytes = try ByteSize.parse(last(values), in: 1 << 20...1 << 36)
            }, show: { [ByteSize.print($0.settings.holdBudgetBytes)] }),
        Setting(
            name: "retire", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.retirement = try TimeSpan.parse(
                    last(values), in: .zero ... .seconds(90 * 86_400))
            }, show: { [TimeSpan.print($0.settings.retirement)] }),
        Setting(
            name: "drain-timeout", isFlag: false,
            apply: { (values, draft) throws(BadValue) in
                draft.settings.drainTimeout = try TimeSpan.parse(last(values), in: .zero ... .seconds(3600))
            }, show: { [TimeSpan.print($0.settings.drainTimeout)] }),
    ]

    // MARK: Values

    private static func last(_ values: [String]) throws(BadValue) -> String {
        guard let value = values.last, !value.isEmpty else { throw BadValue("no value") }
        return value
    }

    private static func path(_ values: [String]) throws(BadValue) -> String? {
        let value = try last(values)
        return value == "none" ? nil : value
    }

    private static func addresses(_ values: [String]) throws(BadValue) -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for value in values where value != "none" { addresses.append(try ListenAddress(value)) }
        return addresses
    }

    private static func list(_ values: [some CustomStringConvertible]) -> [String] {
        values.isEmpty ? ["none"] : values.map { "\($0)" }
    }

    private static func yes(_ text: String) throws(BadValue) -> Bool {
        switch text.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default: throw BadValue("\"\(text)\" is neither", accepts: "yes or no")
        }
    }

    private static func number(_ text: String, in range: ClosedRange<Int>) throws(BadValue) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw BadValue(
                "\"\(text)\" is no such number",
                accepts: "one from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
