/// Randomness of the kernel. A system call (about 450 ns): for seeds and identities, never per event.
public enum KernelRandom {
    /// Eight random bytes.
    public static func word() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

/// xoshiro256** 1.0 (Blackman and Vigna, 2018): 1 ns a word, not for secrets. One per thread.
public struct FastRandom: RandomNumberGenerator, Sendable {
    @usableFromInline var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator seeded by the kernel.
    public init() {
        state = (KernelRandom.word(), KernelRandom.word(), KernelRandom.word(), KernelRandom.word() | 1)
    }

    /// A generator with a known sequence, for tests. The seed is spread by splitmix64.
    public init(seed: UInt64) {
        var seed = seed
        func next() -> UInt64 {
            seed &+= 0x9E37_79B9_7F4A_7C15
            var word = seed
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        state = (next(), next(), next(), next())
    }

    @inlinable @inline(__always)
    public mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}
