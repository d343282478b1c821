#if Tracing
    internal import Synchronization

    /// Joins the contexts of Skein with those that another library binds to tasks in its own way (a service context with a span in
    /// it), so that both see the innermost of the two.
    ///
    /// Each task has two stacks of bindings, and nothing says how they interleave. So a context notes at its binding which of the
    /// library's places it found: as long as that is the one that is found, the context is further in; else it is the place. (A place
    /// bound a second time inside of a context that was opened in it cannot be told from the first time: the context stays.
    /// And a context opened by hand that several threads enter at once, each in another place, notes the last of them.)
    ///
    /// There only with the trait of an adapter that needs it: the question costs a task-local read at each opening.
    package enum TaskBridge {
        /// What the library has bound to the task.
        package struct Place {
            let serial: UInt64
            let context: Unmanaged<Context>?

            /// - Parameters:
            ///   - serial: another one for each place, not 0.
            ///   - context: what the library's place is in Skein; nil if it is in another process. Kept alive by its binding.
            package init(serial: UInt64, context: Context?) {
                self.serial = serial
                self.context = context.map { Unmanaged.passUnretained($0) }
            }
        }

        private struct Reader {
            let read: @Sendable () -> Place?
        }

        // Written once, before the flag that lets others read it.
        nonisolated(unsafe) private static var reader = Reader { nil }
        private static let installing = Atomic<Bool>(false)
        private static let isInstalled = Atomic<Bool>(false)
        private static let serials = Atomic<UInt64>(0)

        /// A number for a new place.
        package static func nextSerial() -> UInt64 { serials.add(1, ordering: .relaxed).newValue }

        /// Says how the library's place is found. The first call counts.
        package static func install(_ read: @escaping @Sendable () -> Place?) {
            guard !installing.exchange(true, ordering: .acquiringAndReleasing) else { return }
            reader = Reader(read: read)
            isInstalled.store(true, ordering: .releasing)
        }

        /// The innermost of what is bound and of the library's place.
        @inline(__always)
        static func innermost(_ bound: Unmanaged<Context>?) -> Unmanaged<Context>? {
            guard isInstalled.load(ordering: .acquiring) else { return bound }
            guard let place = reader.read(), let context = place.context else { return bound }
            if let bound, bound.state.pointee.place.load(ordering: .relaxed) == place.serial { return bound }
            return context
        }

        /// Notes for a context that is about to be bound what it is bound inside of.
        @inline(__always)
        static func note(_ context: Unmanaged<Context>) {
            guard isInstalled.load(ordering: .acquiring) else { return }
            context.state.pointee.place.store(reader.read()?.serial ?? 0, ordering: .relaxed)
        }

        /// Whether what is bound to the task lies further in than the place that the task is in.
        package static func isInside(_ serial: UInt64) -> Bool {
            Context.directlyBound?.state.pointee.place.load(ordering: .relaxed) == serial
        }
    }
#endif
