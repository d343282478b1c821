/// A Bloom filter over the hashes of a batch's ids: twelve bits an id and seven probes, of which one look in 250 finds what is
/// not there. Double hashing after Kirsch and Mitzenmacher, "Less Hashing, Same Performance" (2006).
enum IDFilter {
    static let probes = 7

    static func make(_ hashes: [UInt64]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(8, hashes.count * 12 / 8))
        for hash in hashes {
            for probe in 0..<probes {
                let bit = place(hash, probe, bytes.count)
                bytes[bit >> 3] |= 1 << UInt8(truncatingIfNeeded: bit & 7)
            }
        }
        return bytes
    }

    static func mayContain(_ bytes: UnsafeRawBufferPointer, _ hash: UInt64) -> Bool {
        guard !bytes.isEmpty else { return false }
        for probe in 0..<probes {
            let bit = place(hash, probe, bytes.count)
            if bytes[bit >> 3] & (1 << UInt8(truncatingIfNeeded: bit & 7)) == 0 { return false }
        }
        return true
    }

    @inline(__always)
    private static func place(_ hash: UInt64, _ probe: Int, _ bytes: Int) -> Int {
        let step = (hash >> 32) | 1
        let mixed = (hash &+ UInt64(truncatingIfNeeded: probe) &* step) & 0xFFFF_FFFF
        // The upper half of a product: an even spread over any size without a division.
        return Int(truncatingIfNeeded: (mixed &* UInt64(truncatingIfNeeded: bytes * 8)) >> 32)
    }
}
