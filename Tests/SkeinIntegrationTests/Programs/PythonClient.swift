import Foundation
import SkeinBSON

/// Tests/Python/clients.py: pymongo's `bson` and pyzmq, neither of which shares code with ours.
enum PythonClient {
    /// Starts one of its commands.
    static func start(_ arguments: String..., input: String? = nil) throws -> RunningProgram {
        try start(arguments, input: input)
    }

    static func start(_ arguments: [String], input: String? = nil) throws -> RunningProgram {
        let script = Products.repository.appendingPathComponent("Tests/Python/clients.py").path
        return try RunningProgram([Products.python(), script] + arguments, input: input)
    }

    /// Starts a command of Tests/Python/distlog_client.py: Distlog's own client, Python's pickle and json.
    static func startDistlog(_ arguments: String..., input: String? = nil) throws -> RunningProgram {
        let script = Products.repository.appendingPathComponent("Tests/Python/distlog_client.py").path
        return try RunningProgram([Products.python(), script] + arguments, input: input)
    }

    /// Runs one to its end and reads the documents it prints.
    @discardableResult
    static func run(_ arguments: String..., input: String? = nil) async throws -> [BSONDocument] {
        try await run(arguments, input: input)
    }

    @discardableResult
    static func run(_ arguments: [String], input: String? = nil) async throws -> [BSONDocument] {
        let program = try start(arguments, input: input)
        let status = try await program.end()
        guard status == 0 else {
            throw Failed(description: "\(program.name): exit \(status)\n\(program.errors.text)")
        }
        return try documents(program.output.lines)
    }

    static func documents(_ lines: some Sequence<String>) throws -> [BSONDocument] {
        try lines.map { try ExtendedJSON.decode($0) }
    }

    /// The path of a fixture: bytes that an old client wrote.
    static func fixture(_ name: String) -> String {
        Products.repository.appendingPathComponent("Tests/Python/fixtures/\(name).hex").path
    }

    static func fixtureBytes(_ name: String) throws -> [UInt8] {
        let digits = try String(contentsOfFile: fixture(name), encoding: .ascii).utf8.filter { $0 > 0x20 }
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
            UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
        }
    }

    struct Failed: Error, CustomStringConvertible {
        var description: String
    }
}
