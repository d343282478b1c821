/// The hash of FIPS 180-4, and HMAC with it (RFC 2104). Plain code, some 200 MB/s: for names and short values, not for files.
public struct SHA256: Sendable {
    private var state: SIMD8<UInt32> = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    private var block = [UInt8](repeating: 0, count: 64)
    private var used = 0
    private var total: UInt64 = 0

    /// The hash of no bytes.
    public init() {}

    /// Feeds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        total &+= UInt64(bytes.count)
        for byte in bytes {
            block[used] = byte
            used += 1
            if used == 64 { compress() }
        }
    }

    /// The hash of everything fed so far: 32 bytes.
    public consuming func finish() -> [UInt8] {
        let bits = total &* 8
        block[used] = 0x80
        used += 1
        if used > 56 {
            for index in used..<64 { block[index] = 0 }
            compress()
        }
        for index in used..<56 { block[index] = 0 }
        for index in 0..<8 { block[56 + index] = UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * index)) }
        compress()
        return (0..<8).flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: state[word] >> UInt32(24 - 8 * $0)) }
        }
    }

    /// The hash of some bytes.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    private mutating func compress() {
        used = 0
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
            for index in 0..<16 {
                words[index] =
                    UInt32(block[4 * index]) << 24 | UInt32(block[4 * index + 1]) << 16
                    | UInt32(block[4 * index + 2]) << 8 | UInt32(block[4 * index + 3])
            }
            for index in 16..<64 {
                let first = words[index - 15]
                let second = words[index - 2]
                let small = Self.rotated(first, 7) ^ Self.rotated(first, 18) ^ first >> 3
                let large = Self.rotated(second, 17) ^ Self.rotated(second, 19) ^ second >> 10
                words[index] = words[index - 16] &+ small &+ words[index - 7] &+ large
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            var (e, f, g, h) = (state[4], state[5], state[6], state[7])
            for index in 0..<64 {
                let chosen = e & f ^ ~e & g
                let sum = Self.rotated(e, 6) ^ Self.rotated(e, 11) ^ Self.rotated(e, 25)
                let one = h &+ sum &+ chosen &+ Self.constants[index] &+ words[index]
                let majority = a & b ^ a & c ^ b & c
                let two = (Self.rotated(a, 2) ^ Self.rotated(a, 13) ^ Self.rotated(a, 22)) &+ majority
                (h, g, f, e, d, c, b, a) = (g, f, e, d &+ one, c, b, a, one &+ two)
            }
            state = state &+ [a, b, c, d, e, f, g, h]
        }
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word >> count | word << (32 - count)
    }

    /// The first 32 bits of the fractions of the cube roots of the first 64 primes.
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
        0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
        0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
        0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
        0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
        0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
        0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
        0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
        0xc671_78f2,
    ]
}

/// A keyed hash: HMAC-SHA-256. The key is taken in once, so that a hash of a short value costs two blocks.
public struct KeyedHash: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    /// - Parameter key: any number of bytes.
    public init(key: [UInt8]) {
        var block = key.count > 64 ? key.withUnsafeBytes(SHA256.hash) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        func fed(_ pad: UInt8) -> SHA256 {
            var hash = SHA256()
            block.map { $0 ^ pad }.withUnsafeBytes { hash.update($0) }
            return hash
        }
        inner = fed(0x36)
        outer = fed(0x5C)
    }

    /// The 32 bytes that belong to some bytes, given in parts.
    public func hash(_ parts: UnsafeRawBufferPointer...) -> [UInt8] {
        var inner = inner
        for part in parts { inner.update(part) }
        var outer = outer
        inner.finish().withUnsafeBytes { outer.update($0) }
        return outer.finish()
    }
}
