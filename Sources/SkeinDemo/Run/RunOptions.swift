import SkeinPlatform

/// What `skein-demo run` can be told.
struct RunOptions {
    /// The collector to start; nil: one that runs already.
    var skeind: String?
    /// The tool that shows what is stored.
    var skein: String
    var data = "./skein-data"
    /// Where the collector's files are; under `data` if it is ours.
    var logPath: String
    var statusFile = "/var/lib/dpkg/status"
    var requests = 3_000
    var threads = 4
    var seed: UInt64 = 1
    /// Where our collector listens. Nil: its default port, or a free one if that is taken.
    var listen: [String: String] = [:]
    /// Where the collector is that runs already.
    var endpoint = "127.0.0.1:3515"
    var control = "127.0.0.1:3513"
    var storefront = "127.0.0.1:0"
    var catalogue = "127.0.0.1:0"

    static let options: [CommandLineOptions.Option] = [
        .init("skeind"), .init("skein"), .init("data"), .init("log-path"), .init("status-file"),
        .init("requests", "n"),
        .init("threads"), .init("seed"), .init("control"), .init("collect"), .init("deliver"),
        .init("stream"),
        .init("endpoint"), .init("storefront"), .init("catalogue"), .init("help", "h", takesValue: false),
    ]

    /// The ports of a collector and their usual numbers.
    static let collectorPorts: [(name: String, port: UInt16)] = [
        ("control", 3513), ("collect", 3514), ("deliver", 3515),
    ]

    init(_ line: CommandLineOptions) throws {
        skeind = line.last("skeind")
        data = line.last("data") ?? data
        logPath = line.last("log-path") ?? data + "/files"
        statusFile = line.last("status-file") ?? statusFile
        requests = try Self.number(line, "requests", 1...100_000, requests)
        threads = try Self.number(line, "threads", 1...64, threads)
        seed = UInt64(try Self.number(line, "seed", 0...Int.max, 1))
        storefront = line.last("storefront") ?? storefront
        catalogue = line.last("catalogue") ?? catalogue
        endpoint = line.last("endpoint") ?? endpoint
        control = line.last("control") ?? control
        if skeind != nil {
            for name in ["control", "collect", "deliver", "stream"] {
                if let value = line.last(name) { listen[name] = value }
            }
            if line.last("endpoint") != nil {
                throw DemoError.usage(
                    "--endpoint names a collector that runs already; --skeind starts one: give one of them")
            }
        } else {
            for name in ["collect", "deliver", "stream"] where line.last(name) != nil {
                throw DemoError.usage("--\(name) is for the collector that --skeind PATH starts")
            }
        }
        skein = line.last("skein") ?? Self.besides("skein")
        for (name, path) in [("skeind", skeind), ("skein", skein)] {
            guard let path, access(path, X_OK) != 0 else { continue }
            throw DemoError.failed(
                "no program \(path): \(SystemError.current) (--\(name) PATH names another)")
        }
    }

    static func number(
        _ line: CommandLineOptions, _ name: String, _ range: ClosedRange<Int>, _ standard: Int
    ) throws -> Int {
        guard let text = line.last(name) else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw DemoError.usage(
                "--\(name) is \"\(text)\"; a number from \(range.lowerBound) to \(range.upperBound) is accepted"
            )
        }
        return number
    }

    /// A program of this package: it lies beside this one.
    static func besides(_ name: String) -> String {
        let own = ownPath
        guard let slash = own.lastIndex(of: "/") else { return name }
        return own[...slash] + name
    }

    /// A path as a person in this folder would type it.
    static func shown(_ path: String) -> String {
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        let prefix = String(cString: folder) + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    /// The path of this program.
    static var ownPath: String {
        #if os(Linux)
            let name = "/proc/self/exe"
        #else
            let name = CommandLine.arguments.first ?? ""
        #endif
        guard let resolved = realpath(name, nil) else { return CommandLine.arguments.first ?? "skein-demo" }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
