internal import CSkeinPlatform

/// A program that this one started, and ends by its own process id.
///
/// It runs in a process group of its own: a Ctrl-C at the terminal reaches us, and we end it in our order. A thread
/// waits for its end, so that no zombie stays. Safe on any thread.
public final class ChildProcess: Sendable {
    /// How a program ended.
    public enum End: Sendable, Hashable, CustomStringConvertible {
        /// It ended by itself, with this status, 0 … 255.
        case exited(Int32)
        /// A signal of this number ended it.
        case signalled(Int32)

        public var description: String {
            switch self {
            case .exited(let status): "exited with \(status)"
            case .signalled(let number): "was ended by signal \(number)"
            }
        }
    }

    /// Where a program's standard output goes.
    public enum Output: Sendable {
        /// To where ours goes.
        case inherited
        /// Into a pipe that ``ChildProcess/output`` reads.
        case pipe
    }

    /// The program's process id; once it has ended the system may give it to another.
    public let processID: Int32
    /// The end of the pipe to read its output from; -1 if it is inherited. Closed with this object.
    public let output: Int32
    /// The end of the pipe to read its standard error from; -1 if it is inherited. Closed with this object.
    public let errors: Int32
    /// Held open as long as this object lives: the program sees the end of its input when we are gone, however we went.
    private let inputEnd: Monitor<Int32>
    private let ended = Monitor<End?>(nil)

    /// Starts a program.
    /// - Parameters:
    ///   - path: of the program; a name without a slash is searched in `PATH`.
    ///   - arguments: without the program's name.
    public convenience init(
        path: String, arguments: [String], output kind: Output = .inherited
    ) throws(SystemError) {
        try self.init(
            [path] + arguments, environment: nil, output: kind, errors: .inherited, endsGroup: false)
    }

    /// Starts a program to be fed and watched: its three standard streams are pipes, our ends of which do not block; it
    /// inherits no other descriptor; and what is left of its process group when it ends is killed.
    /// - Parameters:
    ///   - command: program and arguments; a name without a slash is searched in `PATH`.
    ///   - environment: the whole of it.
    public convenience init(
        supervising command: [String], environment: [String: String]
    ) throws(SystemError) {
        try self.init(command, environment: environment, output: .pipe, errors: .pipe, endsGroup: true)
        for end in [input, output, errors] { _ = skein_fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    private init(
        _ command: [String], environment: [String: String]?, output: Output, errors: Output, endsGroup: Bool
    ) throws(SystemError) {
        var open: [Int32] = []
        func pipe(_ kind: Output) throws(SystemError) -> (read: Int32, write: Int32) {
            guard kind == .pipe else { return (-1, -1) }
            var ends: [Int32] = [-1, -1]
            guard skein_pipe(&ends) == 0 else {
                let error = SystemError.current
                for end in open { _ = close(end) }
                throw error
            }
            open += ends
            return (ends[0], ends[1])
        }
        let input = try pipe(.pipe)
        let outputPair = try pipe(output)
        let errorPair = try pipe(errors)
        let strings = command.map { strdup($0) } + [nil]
        var variables = (environment ?? [:]).map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in strings + variables { free(string) } }
        var child: pid_t = 0
        let path = command.first ?? ""
        let result = variables.withUnsafeMutableBufferPointer { own in
            // The array ends in nil, so that it has a base.
            let variables = environment == nil ? skein_environment() : own.baseAddress ?? skein_environment()
            return skein_spawn(
                path, strings, variables, input.read, outputPair.write, errorPair.write,
                environment == nil ? 0 : 1, &child)
        }
        guard result == 0 else {
            for end in open { _ = close(end) }
            throw SystemError(code: result)
        }
        for end in [input.read, outputPair.write, errorPair.write] where end >= 0 { _ = close(end) }
        processID = child
        inputEnd = Monitor(input.write)
        self.output = outputPair.read
        self.errors = errorPair.read
        let (ended, id) = (ended, child)
        do {
            try SystemThread(name: "child-wait") { Self.reap(id, ended, endsGroup) }.detach()
        } catch {
            // No thread to wait with: it must not be left alone.
            kill(id, SIGKILL)
            Self.reap(id, ended, endsGroup)
            throw error
        }
    }

    deinit {
        closeInput()
        if output >= 0 { _ = close(output) }
        if errors >= 0 { _ = close(errors) }
    }

    /// The end of the pipe that is its standard input; -1 once it is closed.
    public var input: Int32 { inputEnd.withLock { $0 } }

    /// Lets the program see the end of its input.
    public func closeInput() {
        inputEnd.withLock { end in
            if end >= 0 { _ = close(end) }
            end = -1
        }
    }

    /// Bytes that were written to its input and that nobody has read; nil where the system does not tell. Also after its end.
    public var unreadInput: Int? {
        let count = skein_unread_bytes(input)
        return count < 0 ? nil : Int(count)
    }

    /// Sends a signal, if the program still runs.
    public func signal(_ number: Int32) {
        // Under the lock, since until its end is noted the id is not reused: reap notes it before anybody else can.
        ended.withLock { if $0 == nil { _ = kill(processID, number) } }
    }

    /// Sends a signal to its process group, if the program still runs.
    public func signalGroup(_ number: Int32) {
        ended.withLock { if $0 == nil { _ = kill(-processID, number) } }
    }

    /// How it ended; nil if it has not by the deadline (`SystemClock.monotonicNanoseconds()`).
    public func wait(until deadline: Int64) -> End? {
        ended.wait(until: deadline) { $0 }
    }

    /// Asks it to end (SIGTERM), and makes it (SIGKILL) after the grace.
    @discardableResult
    public func end(grace: Duration) -> End? {
        signal(SIGTERM)
        let nanoseconds =
            grace.components.seconds * 1_000_000_000 + grace.components.attoseconds / 1_000_000_000
        if let end = wait(until: SystemClock.monotonicNanoseconds() + nanoseconds) { return end }
        signal(SIGKILL)
        return wait(until: SystemClock.monotonicNanoseconds() + 5_000_000_000)
    }

    /// Waits without taking, then takes under the lock: between the two the id still names this program, and its group.
    private static func reap(_ id: pid_t, _ ended: Monitor<End?>, _ endsGroup: Bool) {
        while skein_await_end(id) == EINTR {}
        ended.update { end in
            if endsGroup { _ = kill(-id, SIGKILL) }
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            let number = status & 0x7F
            end = number == 0 ? .exited((status >> 8) & 0xFF) : .signalled(number)
        }
    }
}
