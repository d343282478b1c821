import SkeinBSON
import SkeinPlatform

/// The process that loads a shared library for an outlet of the kind `library`, and gives it events (`Docs/Processors.md`).
///
/// A program that embeds a ``Collector`` and wants such outlets runs it when it is started with a flag of its choice, and
/// names itself and the flag as ``CollectorConfiguration/processorHost``:
///
/// ```swift
/// let arguments = CommandLine.arguments.dropFirst()
/// if arguments.first == "--processor-host" {
///     let code = ProcessorHost.run(Array(arguments.dropFirst()))
///     print("ended with \(code)")
/// }
/// ```
public enum ProcessorHost {
    /// What a collector starts it with behind the flag.
    static func arguments(_ library: OutletConfiguration.Library) -> [String] {
        ["\(library.limits.batch)", library.path]
            + library.options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// Reads events from standard input until it ends, gives them to the library, and says on standard output what it took.
    /// - Returns: the exit code: 0, or 1 after a line on standard error.
    public static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count >= 2, let batch = Int(arguments[0]), batch > 0 else {
            StandardError.writeLine("a processor host is started by a collector")
            return 1
        }
        // What the library prints must not get among the verdicts.
        let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        guard output >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else {
            StandardError.writeLine("cannot set its output apart: \(SystemError.current)")
            return 1
        }
        signal(SIGPIPE, SIG_IGN)
        let voice = ProcessorVoice(output)
        do {
            let options = arguments[2...].map { argument in
                let name = argument.prefix { $0 != "=" }
                return (name: String(name), value: String(argument.dropFirst(name.count + 1)))
            }
            let library = try ProcessorLibrary(path: arguments[1], options: options, voice: voice)
            defer { library.close() }
            try serve(library, voice, batch: batch)
            return 0
        } catch {
            StandardError.writeLine(error.reason)
            return 1
        }
    }

    /// Why the host cannot go on.
    struct Failure: Error {
        var reason: String
    }

    private static func serve(
        _ library: ProcessorLibrary, _ voice: ProcessorVoice, batch: Int
    ) throws(Failure) {
        var input = ProcessorInput()
        // Records so far that are done with, and those of which the collector knows.
        var number: UInt64 = 0
        var told: UInt64 = 0
        func flush() throws(Failure) {
            while let reason = library.flush() { try pause(voice, told + 1, reason) }
            if number > told { try voice.say(["ack": .int64(Int64(number))]) }
            told = number
        }
        while true {
            var events = try input.next(atMost: batch)[...]
            guard !events.isEmpty else { return }
            while !events.isEmpty {
                let verdict = library.process(events)
                events = events.dropFirst(verdict.passed)
                number += UInt64(verdict.passed)
                switch verdict.end {
                case .taken: break
                case .refused(let reason):
                    // What was taken before it is done with by its refusal, too.
                    try flush()
                    events = events.dropFirst()
                    number += 1
                    told = number
                    try voice.say(["refuse": .int64(Int64(number)), "reason": .string(reason)])
                case .again(let reason):
                    try flush()
                    try pause(voice, number + 1, reason)
                }
            }
            try flush()
        }
    }

    /// A second, of which the collector knows that nothing hangs.
    /// - Parameter number: the first record that is not done with.
    private static func pause(
        _ voice: ProcessorVoice, _ number: UInt64, _ reason: String
    ) throws(Failure) {
        try voice.say(["again": .int64(Int64(number)), "reason": .string(reason)])
        var item = pollfd(fd: STDIN_FILENO, events: 0, revents: 0)
        guard poll(&item, 1, 1000) <= 0 || item.revents & Int16(POLLHUP) == 0 else {
            // The collector has to stop; what is not done with it gives again.
            throw .init(reason: "its input ended while it could not go on: \(reason)")
        }
    }
}

/// Writes verdicts and answers, each whole.
final class ProcessorVoice {
    private let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    func say(_ document: BSONDocument) throws(ProcessorHost.Failure) {
        try document.bytes.withUnsafeBufferPointer { (bytes) throws(ProcessorHost.Failure) in
            try write(UnsafeRawBufferPointer(bytes))
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ProcessorHost.Failure) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let count = SkeinPlatform.write(descriptor, base, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .init(reason: "cannot answer: \(SystemError.current)")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
