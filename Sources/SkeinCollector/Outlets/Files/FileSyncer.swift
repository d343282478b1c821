import SkeinPlatform
import Synchronization

/// Makes files durable on a thread of its own, so that the outlet goes on writing meanwhile.
final class FileSyncer: Sendable {
    /// What a checkpoint has to make durable. The descriptors belong to the job and are closed with it.
    struct Job: Sendable {
        var files: [Int32] = []
        /// A folder whose whole file system is to be synced.
        var fileSystem: String?
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

    private let state = Monitor(State.idle)
    private let onDone: @Sendable () -> Void
    private let thread = Mutex<SystemThread?>(nil)

    /// - Parameter onDone: called on the syncer's thread after each job.
    init(onDone: @escaping @Sendable () -> Void) {
        self.onDone = onDone
    }

    /// Begins a job. One at a time: call it only after ``result()`` told of the last.
    func start(_ job: Job) throws(SystemError) {
        let failure = thread.withLock { thread -> SystemError? in
            guard thread == nil else { return nil }
            state.update { $0 = .idle }
            do throws(SystemError) {
                thread = try SystemThread(name: "skein-filesync") { [self] in run() }
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
        state.update { $0 = .waiting(job) }
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
        _ = state.wait(until: .max) { state -> Bool? in
            switch state {
            case .waiting, .working: return nil
            case .idle, .done, .stopped:
                state = .stopped
                return true
            }
        }
        state.update { _ in }
        running.join()
    }

    private func run() {
        while true {
            let next = state.wait(until: .max) { state -> Job?? in
                switch state {
                case .waiting(let job):
                    state = .working
                    return .some(job)
                case .stopped: return .some(nil)
                case .idle, .working, .done: return nil
                }
            }
            guard let job = next.flatMap({ $0 }) else { return }
            let error = Self.sync(job)
            state.update { $0 = .done(error) }
            onDone()
        }
    }

    /// Syncs and closes everything, also after a failure.
    private static func sync(_ job: Job) -> SystemError? {
        var failure: SystemError?
        for file in job.files {
            failure = failure ?? FileDurability.sync(file)
            _ = close(file)
        }
        if let folder = job.fileSystem { failure = failure ?? FileDurability.syncFileSystem(of: folder) }
        for folder in job.folders {
            // A folder that somebody removed has no names to lose.
            if let error = FileDurability.syncFolder(folder), error.code != ENOENT {
                failure = failure ?? error
            }
        }
        return failure
    }
}
