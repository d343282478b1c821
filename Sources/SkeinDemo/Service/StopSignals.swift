import SkeinPlatform

/// SIGINT, SIGTERM and SIGHUP as something to wait for, instead of the end of the process.
///
/// Blocked before any other thread exists, so that no thread takes them; the second one, while things are being put in
/// order, ends the process the usual way.
struct StopSignals {
    private static var set: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGHUP)
        return set
    }

    /// First thing in the process.
    init() {
        var set = Self.set
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A reader that went away is an error of the write.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns with the first one.
    func wait() {
        var set = Self.set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Whether one has come, without waiting; it stays for `wait()`.
    var isPending: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return [SIGINT, SIGTERM, SIGHUP].contains { sigismember(&pending, $0) == 1 }
    }

    /// Makes the end of standard input such a signal: who started us has gone, however it went.
    func raiseAtEndOfInput() throws {
        try SystemThread(name: "end-of-input") {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            kill(getpid(), SIGTERM)
        }.detach()
    }
}
