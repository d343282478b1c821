internal import CSkeinPlatform

/// What a thread is at, for code that must not come back into itself.
public enum ThreadActivity: UInt8, Sendable {
    /// Work of the app's.
    case ordinary = 0
    /// A log record is being handled.
    case handlingRecord = 1
    /// A record that was made while handling another is on its way to where such records go.
    case fallingBack = 2
    /// A thread of Skein's own: a shipper, an inlet, an outlet.
    case ownWork = 3
}

/// The calling thread, as log records name it, and what it is at.
public enum CurrentThread {
    private struct Notes {
        var activity = ThreadActivity.ordinary
        let name: String
    }

    /// What the thread is at. 2 to 3 ns.
    public static var activity: ThreadActivity {
        get { notes.pointee.activity }
        set { notes.pointee.activity = newValue }
    }

    /// Where ``activity`` stands, for who changes it and back: valid as long as the thread.
    public static var activityPlace: UnsafeMutablePointer<ThreadActivity> {
        // The first of the notes.
        UnsafeMutableRawPointer(notes).assumingMemoryBound(to: ThreadActivity.self)
    }

    /// `main`, the name that the thread has, or `thread-` and its number in the system if it has none of its own; as it was when
    /// first asked for. 3 ns.
    public static var name: String { notes.pointee.name }

    private static var notes: UnsafeMutablePointer<Notes> {
        if let pointer = pthread_getspecific(key) { return pointer.assumingMemoryBound(to: Notes.self) }
        return make()
    }

    @inline(never)
    private static func make() -> UnsafeMutablePointer<Notes> {
        let notes = UnsafeMutablePointer<Notes>.allocate(capacity: 1)
        notes.initialize(to: Notes(name: nameNow()))
        pthread_setspecific(key, notes)
        return notes
    }

    private static func nameNow() -> String {
        if skein_is_main_thread() != 0 { return "main" }
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> String in
            guard let base = buffer.baseAddress else { return "" }
            skein_thread_name(base, buffer.count)
            return String(cString: base)
        }
        // A thread that nobody named has the name of the process's first thread.
        return name.isEmpty || name == nameOfProcess ? "thread-\(skein_system_thread_number())" : name
    }

    private static let nameOfProcess: String? = SmallFile.read("/proc/self/comm").map {
        $0.hasSuffix("\n") ? String($0.dropLast()) : $0
    }

    private static func free(_ pointer: UnsafeMutableRawPointer) {
        let notes = pointer.assumingMemoryBound(to: Notes.self)
        notes.deinitialize(count: 1)
        notes.deallocate()
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { pointer in
            #if canImport(Darwin)
                CurrentThread.free(pointer)
            #else
                if let pointer { CurrentThread.free(pointer) }
            #endif
        }
        return key
    }()
}
