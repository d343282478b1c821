import SkeinBSON
import Testing

@Suite struct Decimal128Tests {
    @Test(arguments: [
        "0", "1", "-1", "18446744073709551615", "1.5", "-0.001", "1E+3", "Infinity", "-Infinity", "NaN",
        "9.999999999999999999999999999999999E+6144", "1E-6176", "-0",
    ])
    func `text comes back as it was`(text: String) throws {
        #expect(try #require(BSONDecimal128(text)).description == text)
    }

    @Test(arguments: ["", "x", "1.2.3", "1e", "12345678901234567890123456789012345", "1E+6145", " 1", "1\0"])
    func `what is no number, or no exact one, is refused`(text: String) {
        #expect(BSONDecimal128(text) == nil)
    }

    @Test(arguments: [0, 1, 9, 1 << 63, UInt64.max, 1_000_000_007]) func `integers are exact`(value: UInt64) {
        let decimal = BSONDecimal128(value)
        #expect(decimal == BSONDecimal128(String(value)))
        #expect(decimal.uint64 == value)
        #expect(decimal.description == String(value))
        #expect(decimal.int64 == Int64(exactly: value))
        #expect(decimal.double == Double(value))
    }

    @Test(arguments: [0, -1, Int64.min, Int64.max]) func `signed integers are exact`(value: Int64) {
        let decimal = BSONDecimal128(value)
        #expect(decimal.description == String(value))
        #expect(decimal.int64 == value)
        #expect(decimal.uint64 == UInt64(exactly: value))
    }

    @Test func `whole numbers of any exponent are found`() throws {
        func int(_ text: String) throws -> Int64? { try #require(BSONDecimal128(text)).int64 }
        #expect(try int("12E+2") == 1_200)
        #expect(try int("1200E-2") == 12)
        #expect(try int("-9223372036854775808") == .min)
        #expect(try int("9223372036854775808") == nil)
        #expect(try int("1E+30") == nil)
        #expect(try int("1E+6111") == nil)
        #expect(try int("0E+6111") == 0)
        #expect(try int("0E-6176") == 0)
        #expect(try int("1.5") == nil)
        #expect(try int("Infinity") == nil)
        #expect(try int("NaN") == nil)
    }

    @Test func `doubles are the nearest`() throws {
        #expect(try #require(BSONDecimal128("0.1")).double == 0.1)
        #expect(try #require(BSONDecimal128("1E+400")).double == .infinity)
        #expect(try #require(BSONDecimal128("-Infinity")).double == -.infinity)
        #expect(try #require(BSONDecimal128("NaN")).double.isNaN)
        #expect(BSONDecimal128(low: .max, high: 0x6000_0000_0000_0000).double == 0)
    }
}
