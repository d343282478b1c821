import SkeinPlatform
import Synchronization

/// Makes files durable on a thread of its own, so that the outlet goes on writing meanwhile.
final class FileSyncer: Sendable {
    /// What a checkpoint has to make durable. The descriptors belong to the job and are closed with it.
    struct Job: Sendable {
        var files: [Int32] = []
        /// Folders in which files were made.
        var folders: [String] = []
    }

    private enum State {
        case idle
        case waiting(Job)
        case working
        case done(SystemError?)
        case stopped
    }

    private let state = Mutex(State.idle)
    private let bell = Bell()
    private let onDone: @Sendable () -> Void
    private let thread = Mutex<SystemThread?>(nil)

    /// - Parameter onDone: called on the syncer's thread after each job.
    init(onDone: @escaping @Sendable () -> Void) {
        self.onDone = onDone
    }

    /// Begins a job. One at a time: call it only after ``result()`` told of the last.
    func start(_ job: Job) throws(SystemError) {
        try startThread()
        state.withLock { $0 = .waiting(job) }
        bell.ring()
    }

    /// What came of the job; nil while it runs. Asked once a job.
    func result() -> Result<Void, SystemError>? {
        state.withLock { state in
            guard case .done(let error) = state else { return nil }
            state = .idle
            return error.map { .failure($0) } ?? .success(())
        }
    }

    /// Waits for the job under way, if any, and ends the thread.
    func stop() {
        guard let running = thread.withLock({ $0.take() }) else { return }
        while true {
            let seen = bell.count
            let isBusy = state.withLock { state -> Bool in
                switch state {
                case .waiting, .working: return true
                case .idle, .done, .stopped:
                    state = .stopped
                    return false
                }
            }
            if !isBusy { break }
            bell.wait(after: seen, for: .seconds(1))
        }
        bell.ring()
        running.join()
    }

    private func startThread() throws(SystemError) {
        let failure = thread.withLock { thread -> SystemError? in
            guard thread == nil else { return nil }
            state.withLock { $0 = .idle }
            do throws(SystemError) {
                thread = try SystemThread(name: "skein-files-sync") { [self] in run() }
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    private func run() {
        while true {
            let seen = bell.count
            let next = state.withLock { state -> Job? in
                guard case .waiting(let job) = state else { return nil }
                state = .working
                return job
            }
            if let job = next {
                let error = Self.sync(job)
                state.withLock { $0 = .done(error) }
                bell.ring()
                onDone()
                continue
            }
            if state.withLock({ if case .stopped = $0 { true } else { false } }) { return }
            bell.wait(after: seen, for: .seconds(60))
        }
    }

    /// Syncs and closes everything, also after a failure.
    private static func sync(_ job: Job) -> SystemError? {
        var failure: SystemError?
        for file in job.files {
            #if canImport(Darwin)
                let result = fsync(file)
            #else
                let result = fdatasync(file)
            #endif
            if result != 0 { failure = failure ?? .current }
            _ = close(file)
        }
        for folder in job.folders {
            if let error = syncFolder(folder) { failure = failure ?? error }
        }
        return failure
    }

    /// Makes the names in a folder durable.
    static func syncFolder(_ folder: String) -> SystemError? {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        // A folder that somebody removed has no names to lose.
        guard descriptor >= 0 else { return errno == ENOENT ? nil : .current }
        defer { _ = close(descriptor) }
        return fsync(descriptor) == 0 ? nil : .current
    }
}
