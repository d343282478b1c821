import SkeinCrypto
import Testing

@Suite struct KeyedHashTests {
    private func keyed(_ key: [UInt8], _ text: [UInt8]) -> String {
        let digest = text.withUnsafeBytes { KeyedHash(key: key).hash($0) }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func `keyed hashes are those of RFC 4231`() {
        #expect(
            keyed([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            keyed(Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            keyed(
                [UInt8](repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func `no key, no bytes and parts are bytes like any other`() {
        #expect(keyed([], []) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
        let text = Array("in three parts".utf8)
        let hash = KeyedHash(key: [1, 2, 3])
        text.withUnsafeBytes { bytes in
            func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[range])
            }
            #expect(hash.hash(part(0..<3), part(3..<3), part(3..<14)) == hash.hash(bytes))
        }
    }
}
