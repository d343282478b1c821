import SkeinPlatform

/// Signals that one thread waits for, instead of handlers that could interrupt anything.
struct Signals {
    private var set = sigset_t()

    /// Takes the signals out of their usual way, for this thread and those it starts. A broken pipe is an error code.
    init(_ numbers: [Int32]) {
        signal(SIGPIPE, SIG_IGN)
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one of them.
    func wait() -> Int32 {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number
    }

    /// Lets them do again what they do by themselves: end the process.
    func restoreDefaults() {
        var set = set
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
