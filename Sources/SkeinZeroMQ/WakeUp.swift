import CSkeinZeroMQ
import SkeinPlatform

/// Wakes a thread that waits in a ``ZMQPoller``, from any other thread: an eventfd on Linux, elsewhere a pipe.
///
/// Signals add up to one wake-up until they are drained. Safe on any thread and in a signal handler.
public final class WakeUp: Sendable {
    /// The end to poll for reading.
    public let descriptor: Int32
    private let writer: Int32

    /// Opens the descriptor. It is closed with the last reference.
    /// - Throws: ``ZMQError``, `EMFILE` when the process has no more descriptors.
    public init() throws(ZMQError) {
        let event = skein_eventfd()
        if event >= 0 {
            descriptor = event
            writer = event
            return
        }
        guard errno == ENOSYS else { throw ZMQError(code: errno, operation: "make a wake-up") }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ZMQError(code: errno, operation: "make a wake-up") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        descriptor = ends[0]
        writer = ends[1]
    }

    deinit {
        _ = close(descriptor)
        if writer != descriptor { _ = close(writer) }
    }

    /// Makes the descriptor readable. One system call, about 400 ns; never blocks.
    public func signal() {
        let saved = errno
        defer { errno = saved }
        var one: UInt64 = 1
        // A full pipe or counter means that a wake-up is pending already.
        while write(writer, &one, MemoryLayout<UInt64>.size) < 0 && errno == EINTR {}
    }

    /// Takes all signals so far. Call it before looking at what they announced, else one can be missed.
    public func drain() {
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
        let size = MemoryLayout.size(ofValue: words)
        while true {
            let count = read(descriptor, &words, size)
            if count < 0 && errno == EINTR { continue }
            if count < size { return }
        }
    }
}
