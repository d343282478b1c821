import CSkeinBSON
import SkeinBSON
import SkeinPlatform
import Testing

@Suite struct UTF8Tests {
    static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { UTF8Validation.isValid($0) } }

    /// Both sides of every border in RFC 3629's grammar.
    static let borders: [UInt8] = [
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
        0xEE,
        0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
    ]

    @Test func `every sequence of up to four border bytes is judged as the standard library does`() {
        var wrong: [[UInt8]] = []
        func check(_ bytes: [UInt8]) {
            if Self.isValid(bytes) != (String(validating: bytes, as: UTF8.self) != nil) {
                wrong.append(bytes)
            }
        }
        for a in Self.borders {
            check([a])
            for b in Self.borders {
                check([a, b])
                for c in Self.borders {
                    check([a, b, c])
                    for d in Self.borders { check([a, b, c, d]) }
                }
            }
        }
        #expect(wrong == [])
        #expect(Self.isValid([]))
    }

    @Test func `every character is valid wherever it stands among ASCII`() {
        for scalar in [
            "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}",
        ] {
            for before in 0..<40 {
                for after in [0, 1, 2, 3, 7, 8, 31, 33] {
                    let text =
                        String(repeating: "a", count: before) + scalar + String(repeating: "b", count: after)
                    #expect(Self.isValid(Array(text.utf8)))
                    // Cut inside the character, or with a stray byte in its place.
                    var bytes = Array(text.utf8)
                    bytes.remove(at: before)
                    #expect(!Self.isValid(bytes))
                    #expect(!Self.isValid(Array(text.utf8.prefix(before + 1))))
                }
            }
        }
    }

    @Test func `random bytes are judged as the standard library does`() {
        var random = FastRandom(seed: 7)
        for _ in 0..<5_000 {
            var bytes = Array(repeating: UInt8(0x61), count: Int.random(in: 0...80, using: &random))
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random)) ?? "\u{FFFD}"
                bytes.insert(
                    contentsOf: String(scalar).utf8, at: Int.random(in: 0...bytes.count, using: &random))
            }
            if Bool.random(using: &random), let place = bytes.indices.randomElement(using: &random) {
                bytes[place] = .random(in: 0...255, using: &random)
            }
            #expect(Self.isValid(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func `libbson agrees but for the overlong NUL`() {
        var different: [[UInt8]] = []
        for a in Self.borders {
            for b in Self.borders {
                for c in Self.borders {
                    for bytes in [[a, b, c], [a, b, c, 0x80], [a, b, c, 0xBF]] as [[UInt8]] {
                        let theirs = bytes.withUnsafeBytes {
                            skein_bson_oracle_utf8(
                                $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
                        }
                        let ours = Self.isValid(bytes)
                        let overlong = zip(bytes, bytes.dropFirst()).contains { $0 == (0xC0, 0x80) }
                        if ours != theirs, ours || !overlong { different.append(bytes) }
                    }
                }
            }
        }
        #expect(different == [])
    }
}
