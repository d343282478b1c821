import Foundation
import SkeinPlatform
import Synchronization

/// A program that a test started. It is killed when nobody holds this any more.
final class RunningProgram: Sendable {
    let name: String
    let output: LineLog
    let errors: LineLog

    // Foundation's Process is not Sendable; after `run()` only its thread-safe parts are used: the id, and signals.
    private let process: Mutex<SendableBox<Process>>
    private let input: FileHandle?
    private let exit = OneValue<Int32>()

    struct SendableBox<Value>: @unchecked Sendable {
        var value: Value
    }

    /// - Parameter arguments: the program's path, then its arguments.
    init(
        _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil,
        input text: String? = nil
    )
        throws
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        // Nothing of the machine's own settings may reach a program under test.
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SKEIN") }
        variables.merge(environment) { $1 }
        process.environment = variables
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        name =
            "\(URL(fileURLWithPath: arguments[0]).lastPathComponent) \(arguments.dropFirst().joined(separator: " "))"
        output = LineLog(name: name)
        errors = LineLog(name: "\(name) (standard error)")

        let (outPipe, errorPipe) = (Pipe(), Pipe())
        process.standardOutput = outPipe
        process.standardError = errorPipe
        if text != nil {
            let inPipe = Pipe()
            process.standardInput = inPipe
            input = inPipe.fileHandleForWriting
        } else {
            process.standardInput = FileHandle.nullDevice
            input = nil
        }
        let exit = exit
        process.terminationHandler = { ended in
            exit.set(
                ended.terminationReason == .exit ? ended.terminationStatus : -ended.terminationStatus)
        }
        try process.run()
        self.process = Mutex(SendableBox(value: process))
        Self.follow(outPipe.fileHandleForReading, into: output)
        Self.follow(errorPipe.fileHandleForReading, into: errors)
        if let input, let text {
            try input.write(contentsOf: Data(text.utf8))
            try input.close()
        }
    }

    deinit {
        if exit.now == nil { _ = SkeinPlatform.kill(processID, SIGKILL) }
    }

    var processID: Int32 { process.withLock { $0.value.processIdentifier } }

    func signal(_ number: Int32) {
        _ = SkeinPlatform.kill(processID, number)
    }

    /// The exit status; the negative number of the signal that ended it. Waits for the end of its output, too.
    func end(within limit: Double = 60) async throws -> Int32 {
        guard let status = await exit.wait(within: limit) else {
            throw LineLog.Late(
                description: "\(name) still runs after \(limit) s; it said:\n\(output.text)\(errors.text)")
        }
        await output.untilEnd(within: limit)
        await errors.untilEnd(within: limit)
        return status
    }

    private static func follow(_ handle: FileHandle, into log: LineLog) {
        Thread.detachNewThread {
            while case let data = handle.availableData, !data.isEmpty { log.append(data) }
            log.end()
        }
    }
}
