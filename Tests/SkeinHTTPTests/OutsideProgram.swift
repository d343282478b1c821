import Foundation

/// Programs of the system as the oracle: what curl, python3 or a raw socket see.
enum OutsideProgram {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs a program found on the PATH to its end; ended after `limit` seconds.
    static func run(_ arguments: [String], input: [UInt8] = [], limit: Double = 30) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("skein-outside-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files instead of pipes: nothing can fill up, so nothing can wait for us.
        let (inFile, outFile, errorFile) = ("in", "out", "errors")
        for name in [inFile, outFile, errorFile] {
            try Data(name == inFile ? input : []).write(to: folder.appendingPathComponent(name))
        }
        process.standardInput = try FileHandle(forReadingFrom: folder.appendingPathComponent(inFile))
        process.standardOutput = try FileHandle(forWritingTo: folder.appendingPathComponent(outFile))
        process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent(errorFile))
        try process.run()
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + limit, execute: watchdog)
        process.waitUntilExit()
        watchdog.cancel()
        let read = { (name: String) in
            String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
        }
        return Outcome(
            status: process.terminationStatus, output: try read(outFile), errors: try read(errorFile))
    }

    /// Runs a Python script given as text, its arguments after it.
    static func python(_ script: String, _ arguments: String...) throws -> Outcome {
        try run(["python3", "-c", script] + arguments)
    }
}

/// A folder of its own for one test, gone afterwards.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("skein-http-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
