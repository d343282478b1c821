public import CSkeinPlatform

/// The processor's time-stamp counter: 10 ns cheaper to read than the system's clock.
///
/// Trust it only where ``isTrustworthy``: elsewhere it may run at different rates on different cores.
public enum CycleCounter {
    /// The counter's value now. Not ordered against surrounding loads.
    @inlinable @inline(__always)
    public static func now() -> UInt64 { skein_cycle_counter() }

    /// Whether the processor says that the counter is invariant and the kernel itself keeps time by it.
    public static let isTrustworthy: Bool = {
        guard skein_cycle_counter_is_invariant() != 0 else { return false }
        let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
        return SmallFile.read(path)?.hasPrefix("tsc") ?? false
    }()
}

/// A pause inside a spin loop, so that the other hardware thread runs meanwhile.
@inlinable @inline(__always)
public func spinPause() { skein_pause() }

/// Asks for the cache lines of the next `bytes` bytes, to write to them soon. Any address may be given.
@inlinable @inline(__always)
public func prefetchForWriting(_ address: UnsafeRawPointer, bytes: Int) {
    var offset = 0
    while offset < bytes {
        skein_prefetch_for_writing(address + offset)
        offset += 64
    }
}
