import Foundation
import SkeinArchive
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

/// A folder of its own for one test, gone afterwards.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("skein-tool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file, making folders on its way, and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }

    @discardableResult
    func write(_ name: String, _ events: [BSONDocument]) throws -> String {
        try write(name, events.flatMap(\.bytes))
    }

    func append(_ name: String, _ events: [BSONDocument]) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path).appendingPathComponent(name))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(events.flatMap(\.bytes)))
        try handle.close()
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path).appendingPathComponent(name)))
    }

    func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
    }
}

/// 2026-11-20 15:27:43 UTC.
let noon = 1_795_188_463.0

/// An event of a tree.
func event(
    _ type: String, id: String = "6b0067af9c1d7e2243b0a1f25dd0e1c3", at start: Double = 0,
    for duration: Double = 0.01,
    span: String? = nil, parent: String? = nil, service: String? = nil, error: BSONDocument? = nil,
    level: Int32? = nil, body: BSONDocument = [:]
) -> BSONDocument {
    var document: BSONDocument = [
        "id": .string(id), "type": .string(type), "host": "a.example", "pid": .int32(7),
        "start": .double(noon + start), "end": .double(noon + start + duration), "body": .document(body),
    ]
    if let span { document["span"] = .string(span) }
    if let parent { document["parent"] = .string(parent) }
    if let service { document["service"] = .string(service) }
    if let error { document["error"] = .document(error) }
    if let level { document["level"] = .int32(level) }
    return document
}

/// What a run of the tool left.
struct Outcome {
    var code: Int32
    var output: String
    var errors: String
    var bytes: [UInt8]
    var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}

/// Runs the tool in this process: nothing is a terminal, standard input is empty, unless `prepare` says otherwise.
func skein(_ arguments: String..., prepare: (Console) -> Void = { _ in }) -> Outcome {
    run(arguments, prepare)
}

func run(_ arguments: [String], _ prepare: (Console) -> Void = { _ in }) -> Outcome {
    let console = Console(output: OutputSink(), errors: OutputSink())
    let nothing = open("/dev/null", O_RDONLY)
    defer { close(nothing) }
    console.input = nothing
    console.now = { Int64((noon + 3600) * 1e9) }
    prepare(console)
    let code = Tool.run(arguments, console)
    return Outcome(
        code: code, output: console.output.text, errors: console.errors.text, bytes: console.output.bytes)
}

/// Python with pymongo's `bson`, which `make test` puts into `.venv`.
enum Python {
    static let path = FileManager.default.currentDirectoryPath + "/.venv/bin/python3"

    static func run(_ script: String, _ arguments: String..., input: [UInt8] = []) throws -> String {
        try #require(FileManager.default.isExecutableFile(atPath: path), "make test makes .venv")
        let folder = try TestFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-c", script] + arguments
        process.standardInput = try FileHandle(
            forReadingFrom: URL(fileURLWithPath: folder.write("in", input)))
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self)
    }
}

/// A flag that one thread raises and others look at.
final class Flag: Sendable {
    private let state = Monitor(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.update { $0 = true } }
}

/// Runs the tool on a thread of its own, with its output in memory, until it ends or is interrupted.
final class RunningTool: @unchecked Sendable {
    // Sendable: the console belongs to the thread; what others look at goes through the monitor.
    private let interrupt = Flag()
    private let state = Monitor<(code: Int32?, output: String, errors: String)>((nil, "", ""))

    init(_ arguments: [String], prepare: @escaping @Sendable (Console) -> Void = { _ in }) throws {
        let state = state
        let interrupt = interrupt
        try SystemThread(name: "skein-test") {
            let console = Console(output: OutputSink(), errors: OutputSink())
            console.now = { SystemClock.wallNanoseconds() }
            prepare(console)
            let publish = {
                let (output, errors) = (console.output.text, console.errors.text)
                state.update {
                    $0.output = output
                    $0.errors = errors
                }
            }
            // Asked at every turn of every loop, so also the place to look from.
            console.isInterrupted = {
                publish()
                return interrupt.isRaised
            }
            let code = Tool.run(arguments, console)
            publish()
            state.update { $0.code = code }
        }.detach()
    }

    /// Waits until the output so far is as wanted; its text then, or what there was after 20 s.
    func output(when isWanted: (String) -> Bool) -> String {
        wait { state in isWanted(state.output) ? state.output : nil } ?? state.withLock { $0.output }
    }

    func errors(when isWanted: (String) -> Bool) -> String {
        wait { state in isWanted(state.errors) ? state.errors : nil } ?? state.withLock { $0.errors }
    }

    /// Ctrl-C, and the exit code.
    func stop() -> Int32? {
        interrupt.raise()
        return code()
    }

    func code() -> Int32? {
        wait { state in state.code }
    }

    private func wait<Result>(
        _ body: ((code: Int32?, output: String, errors: String)) -> Result?
    ) -> Result? {
        state.wait(until: SystemClock.monotonicNanoseconds() + 20_000_000_000) { body($0) }
    }
}
