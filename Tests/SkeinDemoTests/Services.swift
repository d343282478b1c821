import Foundation
import SkeinBSON
import SkeinHTTP
import SkeinPlatform

@testable import SkeinDemo

/// The two services as the programs they are, over a small package database, their events in files.
final class Services {
    private let folder: URL
    private var processes: [ChildProcess] = []
    let catalogue: String
    let storefront: String

    static let packages = """
        Package: app
        Status: install ok installed
        Version: 1.0
        Depends: liba (>= 1), libb | libb-alternative
        Description: an app & its data, 100% of it

        Package: liba
        Status: install ok installed
        Version: 2.0
        Depends: libc-virtual
        Description: library a

        Package: libb-alternative
        Status: install ok installed
        Version: 3.0
        Depends: libc
        Description: library b

        Package: libc
        Status: install ok installed
        Version: 4.0
        Provides: libc-virtual
        Depends: app, gone
        Description: library c
        """

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "skein-demo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Self.packages.utf8).write(to: folder.appendingPathComponent("status"))
        var started: [ChildProcess] = []
        func start(_ name: String, _ arguments: [String], in folder: URL) throws -> String {
            let events = folder.appendingPathComponent(name + ".bson").path
            let process = try ChildProcess(
                path: try Programs.path(of: "skein-demo"),
                arguments: [
                    name, "--listen", "127.0.0.1:0", "--endpoint", "file://" + events, "--until-stdin-closes",
                ]
                    + arguments, output: .pipe)
            started.append(process)
            let deadline = SystemClock.monotonicNanoseconds() + 60_000_000_000
            guard case .line(let line) = LineReader(process.output).next(until: deadline),
                let url = line.split(separator: " ").first(where: { $0.hasPrefix("http://") })
            else { throw DemoError.failed("\(name) did not start") }
            return String(url)
        }
        catalogue = try start(
            "catalogue",
            [
                "--status-file", folder.appendingPathComponent("status").path, "--database",
                folder.appendingPathComponent("catalogue.db").path,
            ], in: folder)
        storefront = try start("storefront", ["--catalogue", catalogue], in: folder)
        processes = started
    }

    deinit {
        for process in processes { process.end(grace: .seconds(5)) }
        try? FileManager.default.removeItem(at: folder)
    }

    func endCatalogue() { processes[0].end(grace: .seconds(20)) }

    func get(_ target: String, headers: HTTPHeaders = [:], method: String = "GET") throws -> HTTPResponse {
        try HTTPClient().send(method, url: storefront + target, headers: headers)
    }

    /// Ends both services, and reads what they have recorded. Answers how they ended, too.
    func end() throws -> (ends: [ChildProcess.End?], events: [BSONDocument]) {
        let ends = processes.reversed().map { $0.end(grace: .seconds(20)) }
        var events: [BSONDocument] = []
        for name in ["catalogue", "storefront"] {
            let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name + ".bson")))
            var start = 0
            while start < bytes.count {
                let length = bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
                events.append(try BSONDocument(validating: bytes[start..<start + length]))
                start += length
            }
        }
        return (ends, events)
    }
}

/// The programs of this package, as built: beside the tests.
enum Programs {
    static func path(of name: String) throws -> String {
        var folders = [URL(fileURLWithPath: RunOptions.ownPath).deletingLastPathComponent()]
        for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
            folders.append(bundle.bundleURL.deletingLastPathComponent())
        }
        for folder in folders {
            let path = folder.appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw DemoError.failed("no \(name) in \(folders.map(\.path))")
    }
}
