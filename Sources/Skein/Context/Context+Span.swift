internal import SkeinWire

extension Context {
    /// Gives the context a span that others can work out, in place of its random one. To be called at once after its opening, before
    /// anything joins it or its ids are handed on.
    package func identify(span: UInt64) {
        guard core != nil, span != 0 else { return }
        let hold = state.acquire()
        defer { state.release(hold) }
        state.pointee.span = span
        if state.pointee.homeIsSlot, state.pointee.isOpen {
            state.pointee.home.storeBytes(of: span, toByteOffset: SlotLayout.span, as: UInt64.self)
        }
    }
}
