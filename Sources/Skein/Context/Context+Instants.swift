#if Tracing
    internal import SkeinPlatform
    internal import SkeinWire

    // Beginnings and ends that the caller names, for spans whose times come from elsewhere. A context keeps one reading of the
    // clock; a time that is named moves that, so that whatever is measured from it stays consistent.

    extension Context {
        /// Makes the context one that began at another time. Only right after it was opened.
        /// - Parameter unixSeconds: up to 68 years from now; else nothing is changed.
        package func begin(at unixSeconds: Double) {
            moveClock { state, time in
                let distance = unixSeconds - state.start
                guard let ticks = time.ticks(in: distance) else { return }
                state.start = unixSeconds
                state.startTicks = state.startTicks &+ UInt64(bitPattern: ticks)
                if state.homeIsSlot {
                    state.home.storeBytes(of: unixSeconds, toByteOffset: SlotLayout.start, as: Double.self)
                }
            }
        }

        /// Makes the context end at another time, if it is finished at once. An end before the beginning is the beginning.
        package func end(at unixSeconds: Double) {
            moveClock { state, time in
                guard let ticks = time.ticks(in: unixSeconds - state.start) else { return }
                state.startTicks = time.ticksNow() &- UInt64(bitPattern: ticks)
            }
        }

        private func moveClock(_ body: (inout ContextState, EventTime) -> Void) {
            guard let core else { return }
            let state = state
            let hold = state.acquire()
            if state.pointee.isOpen { body(&state.pointee, core.time) }
            state.release(hold)
        }
    }
#endif
