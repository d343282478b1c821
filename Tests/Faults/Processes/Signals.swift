import SkeinPlatform

/// SIGINT, SIGTERM and SIGHUP as something to look at or to wait for, instead of the end of the process.
///
/// Blocked before any other thread exists, so that no thread takes them.
struct Signals: Sendable {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]

    private static var set: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        return set
    }

    /// First thing in the process.
    init() {
        var set = Self.set
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns with the first one.
    func wait() {
        var set = Self.set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
    }

    /// Whether one has come.
    var isPending: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return Self.numbers.contains { sigismember(&pending, $0) == 1 }
    }

    /// Ends this process when its standard input ends: who started us has gone, however it went.
    static func endWithInput() throws {
        try SystemThread(name: "end-of-input") {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            kill(getpid(), SIGKILL)
        }.detach()
    }
}
