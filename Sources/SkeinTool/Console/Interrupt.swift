import SkeinPlatform
import Synchronization

/// Ctrl-C as a question instead of an end, for what must still print what it holds. The second one ends at once.
enum Interrupt {
    private static let asked = Atomic<Bool>(false)

    static var isAsked: Bool { asked.load(ordering: .relaxed) }

    /// Takes SIGINT and SIGTERM. Calls that wait return with EINTR.
    static func watch() {
        var action = sigaction()
        // A handler may only touch lock-free memory: one store.
        let handler: @convention(c) (Int32) -> Void = { _ in Interrupt.asked.store(true, ordering: .relaxed) }
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
        #else
            action.__sigaction_handler.sa_handler = handler
        #endif
        action.sa_flags = Int32(truncatingIfNeeded: SA_RESETHAND)
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
        // Whoever started us may have had them blocked, which is inherited.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Lets a write to a closed pipe be an error instead of the end.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}
