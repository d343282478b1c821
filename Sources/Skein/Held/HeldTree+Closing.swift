internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

// A context of a kept tree closes: held, handed on, or its tree's verdict. With the context's lock held.

extension HeldTree {
    /// How a context ended.
    struct Ending {
        let state: UnsafeMutablePointer<ContextState>
        let end: Double
        let error: EndingError?
        /// No event of it is larger.
        let bound: Int
    }

    func close(_ ending: Ending) {
        guard hot.isOpen else { return Context.handOver(ending) }
        if ending.state.pointee.span == rootSpan, !ending.state.pointee.isRecord {
            closeRoot(ending)
        } else {
            closeInside(ending)
        }
    }

    private func closeInside(_ ending: Ending) {
        if ending.state.pointee.isRecord {
            let level = ending.state.pointee.level
            burst(level)
            // What is not detail goes at once, unless the tree was not to be recorded at all.
            if state == .open, level >= keep.below, !isOfSampledOut { return Context.handOver(ending) }
        }
        if let outer, outer.hasBeenLetGo { letGo() }
        while true {
            switch state {
            case .letGo: return handOver(ending)
            case .passedOn:
                guard let outer else { return }
                return outer.closeInside(ending)
            case .open, .lettingGo, .silent:
                if hold(ending) { return }
            }
        }
    }

    private func closeRoot(_ ending: Ending) {
        let elapsed = ending.end - ending.state.pointee.start
        let isSlow = keep.slowerThan.map { elapsed > Double($0.wholeNanoseconds) * 1e-9 } ?? false
        if ending.error != nil || isSlow || outer?.hasBeenLetGo ?? false { letGo() }
        switch state {
        case .letGo, .lettingGo:
            // Behind what another thread is handing on.
            if !hold(ending) { handOver(ending) }
            store.unregister(self)
        case .open, .silent, .passedOn:
            if let outer {
                passOn(to: outer)
                store.unregister(self)
                return outer.closeInside(ending)
            }
            if !isSampledOut {
                Context.handOver(ending)
            } else if !hold(ending) {
                handOver(ending)
            }
            silence()
        }
    }

    private var hasBeenLetGo: Bool {
        state == .letGo || state == .lettingGo || outer?.hasBeenLetGo ?? false
    }

    /// A record of this level was made: the outermost tree that it is dramatic for goes first.
    private func burst(_ level: Int32) {
        outer?.burst(level)
        if level >= keep.burst { letGo() }
    }

    private func hold(_ ending: Ending) -> Bool {
        let state = ending.state
        let slot = state.pointee.homeIsSlot && state.pointee.grown == nil ? state.pointee.home : nil
        return hold(arrival: Int64(ending.end * 1e9), bound: ending.bound, slot: slot) { target in
            EventWriter.write(ending.state, end: ending.end, error: ending.error, into: target)
        }
    }

    /// At once, weighed as what was let go.
    private func handOver(_ ending: Ending) {
        if rateFactor != 1 {
            ending.state.pointee.rate = min(1, ending.state.pointee.rate * rateFactor)
        }
        Context.handOver(ending)
    }
}
