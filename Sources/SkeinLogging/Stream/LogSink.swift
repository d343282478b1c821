import SkeinPlatform
import Synchronization

/// Where lines go.
///
/// Threads: called from any number of them at once. It cannot throw: what it cannot write it counts.
public protocol LogSink: Sendable {
    /// Writes one whole line, its newline included, so that lines of several threads do not mix.
    func write(_ line: UnsafeRawBufferPointer)

    /// Brings what was written to where it goes.
    func flush()

    /// Gives its resources back; what comes afterwards is lost, and counted.
    func close()
}

/// Lines to a file descriptor: standard error, a pipe, a file that is appended to.
///
/// ```swift
/// let errors = DescriptorSink.standardError
/// let file = try DescriptorSink(appendingTo: "shop.log")
/// LogSystem.bootstrap(MultiplexHandler([StreamHandler(to: errors, level: .error), StreamHandler(to: file)]))
/// ```
/// Cost: a write(2) a line, which waits as long as the other end makes it wait; where that would block for a second in a descriptor
/// that is non-blocking, the line is lost and counted.
public final class DescriptorSink: LogSink {
    /// The process's standard error; ``close()`` leaves it open.
    public static let standardError = DescriptorSink(descriptor: STDERR_FILENO)
    /// The process's standard output; ``close()`` leaves it open.
    public static let standardOutput = DescriptorSink(descriptor: STDOUT_FILENO)

    private struct State {
        var descriptor: Int32
        let owns: Bool
    }

    private let state: Monitor<State>
    private let path: String?
    private let lostLines = Atomic<UInt64>(0)

    /// Takes a descriptor that somebody else opens and closes.
    public init(descriptor: Int32) {
        path = nil
        state = Monitor(State(descriptor: descriptor, owns: false))
    }

    /// Opens a file for appending, and makes it if it is not there (mode 640).
    /// - Throws: ``LoggingError`` of code `file`.
    public init(appendingTo path: String) throws(LoggingError) {
        self.path = path
        state = Monitor(State(descriptor: try Self.open(path), owns: true))
    }

    deinit { close() }

    private static func open(_ path: String) throws(LoggingError) -> Int32 {
        let descriptor = openFile(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            let error = SystemError.current
            throw LoggingError(
                .file,
                "opening \(path) to append log lines: \(error); the folder must exist, and this user be let in"
            )
        }
        return descriptor
    }

    /// Closes the file and opens its path anew, after a rotation has moved it away. Of a descriptor of somebody else's it does nothing.
    /// - Throws: ``LoggingError`` of code `file`; the old file then stays open.
    public func reopen() throws(LoggingError) {
        guard let path else { return }
        let new = try Self.open(path)
        let old = state.withLock { state in
            defer { state.descriptor = new }
            return state.descriptor
        }
        if old >= 0 { closeFile(old) }
    }

    /// Lines that could not be written, or not to their end.
    public var lost: UInt64 { lostLines.load(ordering: .relaxed) }

    public func write(_ line: UnsafeRawBufferPointer) {
        let isWritten = state.withLock { state in
            state.descriptor >= 0 && writeAll(line, to: state.descriptor)
        }
        if !isWritten { lostLines.add(1, ordering: .relaxed) }
    }

    /// Nothing is kept here: each line goes to the kernel at once.
    public func flush() {}

    /// Closes a file that it opened.
    public func close() {
        let old = state.withLock { state -> Int32 in
            guard state.owns else { return -1 }
            defer { state.descriptor = -1 }
            return state.descriptor
        }
        if old >= 0 { closeFile(old) }
    }

    private func writeAll(_ line: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var written = 0
        let deadline = SystemClock.monotonicNanoseconds() + 1_000_000_000
        while written < line.count, let base = line.baseAddress {
            let count = writeFile(descriptor, base + written, line.count - written)
            if count > 0 {
                written += count
                continue
            }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count < 0, code == EAGAIN || code == EWOULDBLOCK else { return false }
            let left = (deadline - SystemClock.monotonicNanoseconds()) / 1_000_000
            guard left > 0 else { return false }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&waiting, 1, Int32(left))
        }
        return true
    }
}

// The C library's, under names that do not meet the methods'.
private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func closeFile(_ descriptor: Int32) { _ = close(descriptor) }
private func writeFile(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
