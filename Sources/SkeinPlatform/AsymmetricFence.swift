public import CSkeinPlatform

/// A memory fence whose cost one side pays for both: what one thread does often costs it nothing, what another does rarely
/// costs that one a system call.
///
/// If a thread stores A, calls ``light()`` and loads B, and another stores B, calls ``heavy()`` and loads A, then at least one
/// of them sees the other's store. The pair replaces a full fence on each side. Linux: membarrier(2), private expedited.
public enum AsymmetricFence {
    /// Whether the kernel has it. Without it, ``light()`` orders nothing.
    public static let isAvailable = skein_membarrier_register() == 0 && skein_membarrier() == 0

    /// The cheap side: no instruction at all.
    @inlinable @inline(__always)
    public static func light() { skein_compiler_fence() }

    /// The dear side: a few microseconds, and an interrupt for each running thread of the process.
    public static func heavy() {
        if skein_membarrier() == 0 { return }
        // The child of a fork may have to say again that it wants this.
        _ = skein_membarrier_register()
        if skein_membarrier() == 0 { return }
        // It was there before, so this does not happen; a store leaves a processor's buffer in far less than this.
        usleep(1_000)
    }
}

/// A number that no other living thread has, never 0; 1 ns.
@inlinable @inline(__always)
public func currentThreadNumber() -> UInt { skein_thread_number() }
