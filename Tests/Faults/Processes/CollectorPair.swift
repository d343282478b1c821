import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// A local collector that forwards to a master, each with files. Confined to one thread.
final class CollectorPair {
    struct Ports {
        let control: UInt16
        let deliver: UInt16
    }

    let folder: String
    let local: Program
    let master: Program
    let localPorts: Ports
    let masterPorts: Ports
    private let context: ZMQContext
    private let more: [String]

    /// - Parameters:
    ///   - settings: of both, as in a configuration file.
    ///   - more: arguments of the local one.
    init(
        skeind: String, folder: String, seed: UInt64, settings: String, more: [String] = []
    ) throws {
        self.folder = folder
        self.more = more
        var free = FreePorts(seed: seed)
        localPorts = Ports(control: try free.next(), deliver: try free.next())
        masterPorts = Ports(control: try free.next(), deliver: try free.next())
        context = try ZMQContext()
        for name in ["local", "master"] { try Folder.make(folder + "/" + name) }
        local = Program("local", path: skeind, log: folder + "/local.log")
        master = Program("master", path: skeind, log: folder + "/master.log")
        try Folder.write(settings, to: settingsFile)
    }

    deinit {
        context.shutdown()
    }

    private var settingsFile: String { folder + "/collectors.yaml" }

    func filesFolder(_ collector: Program) -> String { "\(folder)/\(collector.name)/files" }

    var endpoint: String { "deliver://127.0.0.1:\(localPorts.deliver)" }

    // MARK: Starting

    func start(_ collector: Program) throws {
        let isLocal = collector === local
        let ports = isLocal ? localPorts : masterPorts
        try collector.start(
            [
                "--data", "\(folder)/\(collector.name)", "--log-path", filesFolder(collector),
                "--control", "127.0.0.1:\(ports.control)", "--deliver", "127.0.0.1:\(ports.deliver)",
                "--collect", "none", "--stream", "none", "--config", settingsFile,
                "--forward", isLocal ? "127.0.0.1:\(masterPorts.deliver)" : "none",
            ] + (isLocal ? more : []))
    }

    // MARK: Asking

    /// Brings everything that has arrived out of both.
    func flush(within limit: Duration = .seconds(60)) throws {
        for collector in [local, master] {
            let answer = try ask(collector, "FLUSH", within: limit)
            guard answer?["ok"]?.boolValue == true else {
                throw FaultsError(
                    "\(collector.name) does not flush: \(answer.map { "\($0)" } ?? "no answer within \(limit)")"
                )
            }
        }
    }

    func status(_ collector: Program) throws -> BSONDocument {
        guard let answer = try ask(collector, "STATUS", within: .seconds(30)) else {
            throw FaultsError("\(collector.name) does not answer STATUS within 30 s")
        }
        return answer
    }

    private func ask(_ collector: Program, _ command: String, within limit: Duration) throws -> BSONDocument?
    {
        let port = collector === local ? localPorts.control : masterPorts.control
        return try ControlPort(port: port, context: context).ask(command, within: limit)
    }
}
