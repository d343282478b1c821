internal import CSkeinPlatform

/// A thread of the operating system, for work that blocks (sockets, fsync) and so must stay off the
/// cooperative pool.
///
/// Made and started in one step; `join` waits for its body to return. A thread that is not joined runs on.
public struct SystemThread: Sendable {
    private let handle: pthread_t

    /// Starts a thread.
    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; the first 15 bytes count.
    ///   - body: runs once on the new thread.
    /// - Throws: ``SystemError`` (`EAGAIN`) when the system has no more threads to give.
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        final class Start {
            let name: String
            let body: @Sendable () -> Void
            init(name: String, body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        #if canImport(Darwin)
            var thread: pthread_t? = nil
            let result = pthread_create(
                &thread, nil,
                { argument in
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    _ = pthread_setname_np(start.name)
                    start.body()
                    return nil
                }, start.toOpaque())
        #else
            var thread = pthread_t()
            let result = pthread_create(
                &thread, nil,
                { argument in
                    let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                    skein_name_thread(start.name)
                    start.body()
                    return nil
                }, start.toOpaque())
        #endif
        guard result == 0 else {
            start.release()
            throw SystemError(code: result)
        }
        #if canImport(Darwin)
            handle = thread!
        #else
            handle = thread
        #endif
    }

    /// Waits until the thread's body has returned. Call it once, from another thread.
    public func join() {
        pthread_join(handle, nil)
    }

    /// Lets the thread end by itself. Call it instead of `join`, once.
    public func detach() {
        pthread_detach(handle)
    }
}
