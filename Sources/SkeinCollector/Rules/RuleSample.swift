import SkeinBSON
import SkeinWire

/// Which trees a rule with `rate:` lets go on: decided by the id they share, so that a tree stays whole and a second reading
/// finds the same. `Docs/Rules.md` has the formula.
struct RuleSample: Sendable {
    let rate: Double
    private let salt: UInt64

    /// - Parameter seed: what makes the decision independent of another rule's.
    init(rate: Double, seed: String) {
        self.rate = rate
        var seed = seed
        salt = Self.mix(seed.withUTF8 { Self.hash(UnsafeRawBufferPointer($0)) })
    }

    /// Whether an event goes on.
    func keeps(_ event: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool {
        let id: UInt64
        if envelope.id.isPresent {
            id = Self.hash(envelope.id.bytes(in: event))
        } else if let number = envelope.numericID {
            var text = String(number)
            id = text.withUTF8 { Self.hash(UnsafeRawBufferPointer($0)) }
        } else {
            // Without an id it is a tree by itself.
            id = Self.hash(event)
        }
        return Double(Self.mix(salt ^ id) >> 11) * 0x1p-53 < rate
    }

    /// FNV-1a.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// MurmurHash3's 64-bit finaliser.
    static func mix(_ word: UInt64) -> UInt64 {
        var word = word
        word ^= word >> 33
        word = word &* 0xff51_afd7_ed55_8ccd
        word ^= word >> 33
        word = word &* 0xc4ce_b9fe_1a85_ec53
        return word ^ word >> 33
    }
}
