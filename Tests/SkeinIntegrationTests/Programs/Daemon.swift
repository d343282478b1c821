import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

/// A `skeind` of a test's own: its data in a folder of the test, its ports free ones, told by its start line.
final class Daemon: Sendable {
    let folder: TemporaryFolder
    let program: RunningProgram
    let ports: [String: Int]

    /// Starts one and waits for its start line.
    /// - Parameters:
    ///   - ports: those that must be the given ones; the others are free ones.
    static func start(
        in folder: TemporaryFolder, ports: [String: Int] = [:], _ more: [String] = []
    ) async throws -> Daemon {
        let program = try RunningProgram(arguments(in: folder, ports: ports) + more)
        let line = try await program.output.first { $0.contains("control") && $0.contains("collect") }
        return Daemon(folder: folder, program: program, ports: portsTold(by: line))
    }

    static func arguments(in folder: TemporaryFolder, ports: [String: Int] = [:]) throws -> [String] {
        var arguments = [try Products.path(of: "skeind"), "--data", folder.path + "/data"]
        for port in ["control", "collect", "deliver", "stream"] {
            arguments += ["--\(port)", "127.0.0.1:\(ports[port] ?? 0)"]
        }
        return arguments
    }

    private init(folder: TemporaryFolder, program: RunningProgram, ports: [String: Int]) {
        self.folder = folder
        self.program = program
        self.ports = ports
    }

    /// `control 127.0.0.1:3513`, and so on, anywhere in the line.
    private static func portsTold(by line: String) -> [String: Int] {
        var ports: [String: Int] = [:]
        for match in line.matches(of: /(control|collect|deliver|stream)[ =]+[^ ,;]*:(\d+)/) {
            ports[String(match.1)] = Int(match.2)
        }
        return ports
    }

    func port(_ name: String) throws -> String {
        try String(#require(ports[name], "the start line names no \(name) port: \(program.output.text)"))
    }

    /// Asks control as a Ziggy program does.
    func ask(_ command: String) async throws -> BSONDocument {
        let answers = try await PythonClient.run("ask", port("control"), command)
        return try #require(answers.first)
    }

    /// Flushes until the day's files of a type hold as many bytes as are expected, and returns them. What a PUSH client has
    /// sent arrives at a moment that nobody is told.
    func stored(_ type: String, bytes count: Int) async throws -> [UInt8] {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            _ = try await ask("FLUSH")
            let bytes = try storedFiles(of: type).flatMap { try folder.bytes(of: "data/files/\($0)") }
            if bytes.count >= count || .now > deadline { return bytes }
        }
    }

    /// The same for so many events, as documents.
    func storedEvents(_ type: String, count: Int) async throws -> [BSONDocument] {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            _ = try await ask("FLUSH")
            var rest = try storedFiles(of: type).flatMap { try folder.bytes(of: "data/files/\($0)") }[...]
            var events: [BSONDocument] = []
            while let length = rest.withUnsafeBytes({ BSONView(prefixOf: $0)?.bytes.count }) {
                events.append(try BSONDocument(validating: rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            if events.count >= count || .now > deadline { return events }
        }
    }

    func storedFiles(of type: String) -> [String] {
        folder.files(below: "data/files").filter { file in
            file.wholeMatch(of: /(\d{8})\/(.+)-(\d{8})\.bson/).map { $0.1 == $0.3 && $0.2 == type } ?? false
        }
    }

    /// Ends it with SIGTERM, once its account of every event balances.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        _ = try await ask("FLUSH")
        let status = try await ask("STATUS")
        let ledger = try #require(status["ledger"]?.documentValue, sourceLocation: sourceLocation)
        let fates =
            Self.number(ledger, "journaled") + Self.number(ledger, "duplicate") + Self.sum(ledger, "rejected")
            + Self.sum(ledger, "dropped")
        #expect(Self.number(ledger, "received") == fates, "\(ledger)", sourceLocation: sourceLocation)
        for (name, value) in try #require(status["outlets"]?.documentValue, sourceLocation: sourceLocation) {
            let outlet = try #require(value.documentValue, sourceLocation: sourceLocation)
            let fates =
                Self.number(outlet, "delivered") + Self.number(outlet, "not_routed")
                + Self.number(outlet, "rejected") + Self.sum(outlet, "dropped")
            #expect(
                Self.number(outlet, "read") == fates, "\(name): \(outlet)", sourceLocation: sourceLocation)
        }
        program.signal(SIGTERM)
        #expect(try await program.end() == 0, "\(program.errors.text)", sourceLocation: sourceLocation)
    }

    private static func number(_ document: BSONDocument, _ key: String) -> Int64 {
        document[key]?.intValue ?? -1
    }

    private static func sum(_ document: BSONDocument, _ key: String) -> Int64 {
        document[key]?.documentValue?.reduce(0) { $0 + ($1.value.intValue ?? 0) } ?? -1
    }
}
