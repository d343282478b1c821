public import Synchronization

/// A lock that is one thread's own, which takes and leaves it without an atomic exchange, until another thread comes.
///
/// For sections of a few nanoseconds that mostly one thread enters: the exchange of a ``SpinLock`` would be a third of their
/// price. The owner says that it is inside (`isBusy`), then looks whether its privilege was withdrawn. Whoever else comes takes
/// the word, withdraws the privilege, and pays for both with the heavy side of an ``AsymmetricFence``: after that either the
/// owner sees the withdrawal, or the other sees that the owner is inside, and waits. A thread that ``share``s ends the privilege
/// for good, one that ``visit``s gives it back. Where there is no such fence, nobody is an owner.
///
/// As an owner 1 to 2 ns, by the word 5 ns, to withdraw some microseconds.
public struct BiasedLock: ~Copyable, Sendable {
    /// How the lock was taken.
    @frozen
    public enum Hold: Sendable {
        /// By its owner, in the short way.
        case asOwner
        /// By the word, which all others share.
        case byWord
    }

    @usableFromInline let word = Atomic<UInt32>(0)
    @usableFromInline let isBusy = Atomic<UInt8>(0)
    /// 0: the owner has its privilege. 1: somebody visits. 2: it is gone.
    @usableFromInline let withdrawal = Atomic<UInt8>(0)
    /// The number of the thread whose lock it is; 0: nobody's.
    @usableFromInline let owner = Atomic<UInt>(0)
    private let claims: Bool

    /// - Parameter isClaimed: the first thread that takes the lock becomes its owner; else only ``begin(owner:)`` makes one.
    public init(isClaimed: Bool = false) {
        claims = isClaimed && AsymmetricFence.isAvailable
    }

    /// Begins anew, while no other thread can reach the lock.
    /// - Parameter owner: the calling thread's number if ``AsymmetricFence/isAvailable``, or 0: nobody's.
    @inlinable @inline(__always)
    public borrowing func begin(owner: UInt) {
        self.owner.store(owner, ordering: .relaxed)
        withdrawal.store(0, ordering: .relaxed)
    }

    /// Takes the lock if it is the calling thread's own: the short way, to be given back with `asOwner`.
    @inlinable @inline(__always)
    public borrowing func acquireAsOwner() -> Bool {
        guard owner.load(ordering: .relaxed) == currentThreadNumber() else { return false }
        isBusy.store(1, ordering: .relaxed)
        AsymmetricFence.light()
        if withdrawal.load(ordering: .acquiring) == 0 { return true }
        isBusy.store(0, ordering: .releasing)
        return false
    }

    /// Waits for the lock and takes it, as its owner or for good. Not recursive.
    /// - Parameter whenShared: called, with the lock held, when this call ended the owner's privilege.
    @inlinable @inline(__always)
    public borrowing func acquire(whenShared: () -> Void = {}) -> Hold {
        if acquireAsOwner() { return .asOwner }
        if share() { whenShared() }
        return .byWord
    }

    /// Gives the lock back.
    @inlinable @inline(__always)
    public borrowing func release(_ hold: Hold) {
        switch hold {
        case .asOwner: isBusy.store(0, ordering: .releasing)
        case .byWord: word.store(0, ordering: .releasing)
        }
    }

    /// Holds the lock while `body` runs.
    @inlinable
    public borrowing func withLock<Result>(_ body: () -> Result) -> Result {
        let hold = acquire()
        defer { release(hold) }
        return body()
    }

    /// Holds the lock while `body` runs, and leaves it to its owner afterwards: for those who come seldom.
    public borrowing func visit<Result>(_ body: () -> Result) -> Result {
        acquireWord()
        let owner = self.owner.load(ordering: .relaxed)
        if owner != 0, owner != currentThreadNumber(), withdrawal.load(ordering: .relaxed) != 2 {
            withdraw()
        }
        defer {
            // Before the word: nobody else withdraws in between.
            _ = withdrawal.compareExchange(expected: 1, desired: 0, ordering: .releasing)
            word.store(0, ordering: .releasing)
        }
        return body()
    }

    /// In the child of a fork: free, and nobody's, whatever the parent's threads were doing.
    public borrowing func abandonAfterFork() {
        withdrawal.store(2, ordering: .relaxed)
        isBusy.store(0, ordering: .relaxed)
        word.store(0, ordering: .releasing)
    }

    /// Takes the word. What is another thread's own is no longer.
    /// - Returns: whether that is this call's doing.
    @usableFromInline @inline(never)
    borrowing func share() -> Bool {
        acquireWord()
        let owner = self.owner.load(ordering: .relaxed)
        if owner == 0 {
            if claims { self.owner.store(currentThreadNumber(), ordering: .relaxed) }
            return false
        }
        // Looked at with the word held: who waited for it may have found an owner there meanwhile.
        guard owner != currentThreadNumber(), withdrawal.load(ordering: .relaxed) != 2 else { return false }
        withdraw()
        withdrawal.store(2, ordering: .relaxed)
        return true
    }

    /// With the word held: after this the owner is not inside, and comes in by the word only.
    private borrowing func withdraw() {
        withdrawal.store(1, ordering: .sequentiallyConsistent)
        AsymmetricFence.heavy()
        var spins = 0
        while isBusy.load(ordering: .acquiring) != 0 { Self.pause(&spins) }
    }

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
