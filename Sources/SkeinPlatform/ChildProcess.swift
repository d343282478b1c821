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
    /// Held open as long as this object lives: the program sees the end of its input when we are gone, however we went.
    private let input: Int32
    private let ended = Monitor<End?>(nil)

    /// Starts a program.
    /// - Parameters:
    ///   - path: of the program, not searched for.
    ///   - arguments: without the program's name.
    public init(path: String, arguments: [String], output kind: Output = .inherited) throws(SystemError) {
        let (inputEnd, input) = try Self.pipe()
        var pair: (read: Int32, write: Int32) = (-1, -1)
        if kind == .pipe {
            do {
                pair = try Self.pipe()
            } catch {
                close(inputEnd)
                close(input)
                throw error
            }
        }
        var strings = ([path] + arguments).map { strdup($0) }
        strings.append(nil)
        defer { for string in strings { free(string) } }
        var child: pid_t = 0
        let result = skein_spawn(path, strings, skein_environment(), inputEnd, pair.write, &child)
        close(inputEnd)
        if pair.write >= 0 { close(pair.write) }
        guard result == 0 else {
            close(input)
            if pair.read >= 0 { close(pair.read) }
            throw SystemError(code: result)
        }
        processID = child
        self.input = input
        output = pair.read
        let (ended, id) = (ended, child)
        do {
            try SystemThread(name: "child-wait") { Self.reap(id, ended) }.detach()
        } catch {
            // No thread to wait with: it must not be left alone.
            kill(id, SIGKILL)
            Self.reap(id, ended)
            throw error
        }
    }

    deinit {
        close(input)
        if output >= 0 { close(output) }
    }

    /// Sends a signal, if the program still runs.
    public func signal(_ number: Int32) {
        // Under the lock, since until its end is noted the id is not reused: reap notes it before anybody else can.
        ended.withLock { if $0 == nil { _ = kill(processID, number) } }
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

    /// Waits without taking, then takes under the lock: between the two the id still names this program.
    private static func reap(_ id: pid_t, _ ended: Monitor<End?>) {
        while skein_await_end(id) == EINTR {}
        ended.update { end in
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            let number = status & 0x7F
            end = number == 0 ? .exited((status >> 8) & 0xFF) : .signalled(number)
        }
    }

    private static func pipe() throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard skein_pipe(&ends) == 0 else { throw .current }
        return (ends[0], ends[1])
    }
}
