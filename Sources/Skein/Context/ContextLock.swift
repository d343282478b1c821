internal import SkeinPlatform
internal import Synchronization

/// A context's lock, biased to the thread that opened it: mostly no other ever touches the context, and an atomic
/// exchange for each field would be a third of its price.
///
/// The owner says that it is inside (`isBusy`), then looks whether its privilege was revoked. Whoever else comes revokes it
/// first, with the heavy side of an ``AsymmetricFence``: after that either the owner sees the revocation, or the other sees
/// that the owner is inside, and waits. From then on all take the word. Where there is no such fence, all do from the start.
struct ContextLock: ~Copyable {
    /// How the lock was taken.
    enum Hold {
        case asOwner
        case byWord
    }

    private let word = Atomic<UInt32>(0)
    private let isBusy = Atomic<UInt8>(0)
    /// 0: the owner has its privilege. 1: it is being revoked. 2: it is gone.
    private let revocation = Atomic<UInt8>(0)
    /// The number of the thread whose lock it is; 0: nobody's. Constant while a context is open.
    private let owner = Atomic<UInt>(0)

    /// Begins anew, while nobody else can reach the lock.
    /// - Parameter owner: the calling thread's number, or 0.
    @inline(__always)
    borrowing func begin(owner: UInt) {
        self.owner.store(owner, ordering: .relaxed)
        revocation.store(0, ordering: .relaxed)
    }

    /// Takes the lock if it is the calling thread's own: the short way, to be given back by ``release(_:)`` with `asOwner`.
    @inline(__always)
    borrowing func acquireAsOwner() -> Bool {
        guard owner.load(ordering: .relaxed) == currentThreadNumber() else { return false }
        isBusy.store(1, ordering: .relaxed)
        AsymmetricFence.light()
        if revocation.load(ordering: .relaxed) == 0 { return true }
        isBusy.store(0, ordering: .releasing)
        return false
    }

    /// Waits for the lock and takes it. Not recursive.
    /// - Parameter whenShared: called when this thread ended the owner's privilege.
    @inline(__always)
    borrowing func acquire(whenShared: () -> Void) -> Hold {
        if acquireAsOwner() { return .asOwner }
        let owner = self.owner.load(ordering: .relaxed)
        if owner == 0, word.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged {
            return .byWord
        }
        if owner != 0, revocation.load(ordering: .acquiring) != 2 {
            revoke()
            whenShared()
        }
        acquireWord()
        return .byWord
    }

    @inline(__always)
    borrowing func release(_ hold: Hold) {
        switch hold {
        case .asOwner: isBusy.store(0, ordering: .releasing)
        case .byWord: word.store(0, ordering: .releasing)
        }
    }

    /// Several threads may do this at once, the owner among them.
    @inline(never)
    private borrowing func revoke() {
        _ = revocation.compareExchange(expected: 0, desired: 1, ordering: .sequentiallyConsistent)
        AsymmetricFence.heavy()
        var spins = 0
        while isBusy.load(ordering: .acquiring) != 0 { Self.pause(&spins) }
        revocation.store(2, ordering: .releasing)
    }

    @inline(never)
    private borrowing func acquireWord() {
        var spins = 0
        while !word.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged {
            Self.pause(&spins)
        }
    }

    private static func pause(_ spins: inout Int) {
        spins += 1
        if spins < 64 { spinPause() } else { _ = sched_yield() }
    }
}
