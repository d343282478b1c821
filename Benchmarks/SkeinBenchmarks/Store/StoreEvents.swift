import SkeinBSON
import SkeinPlatform

/// Events of some 300 bytes as a busy house makes them over a day: twenty types, three services, trees of eight, a record in
/// four, an error in fifty. Made by changing one document's bytes in place.
struct StoreEvents {
    static let types = (0..<20).map { "request.step\($0 + 10)" }
    /// A day, in which all of them lie.
    static let begin: Int64 = 1_795_168_800_000_000

    private(set) var id = [UInt8](repeating: 0x30, count: 32)
    private var templates: [(bytes: [UInt8], id: Int, start: Int, end: Int)] = []
    private let step: Double
    private var index = 0
    private var random: UInt64 = 42

    /// - Parameter count: how many there will be.
    init(count: Int) {
        step = 86_000 / Double(count)
        for (number, type) in Self.types.enumerated() {
            for kind in 0..<3 {
                var document: BSONDocument = [
                    "id": "00000000000000000000000000000000", "type": .string(type), "host": "web1.example",
                    "pid": .int32(4711), "start": .double(1), "end": .double(2),
                    "body": [
                        "name": "shop.web", "method": "GET", "path": "/search/of/things?page=100000",
                        "response": ["status": .int32(kind == 2 ? 503 : 200), "bytes": .int64(18_233)],
                        "request_time": .double(0.0923),
                    ],
                    "span": "00f067aa0ba902b7", "service": .string(["shop", "mail", "search"][number % 3]),
                ]
                if kind == 1 { document.append("level", .int32([10, 20, 30, 40][number % 4])) }
                if kind == 2 { document.append("error", ["type": "Late", "message": "gave up"]) }
                let bytes = document.bytes
                templates.append(
                    (
                        bytes, Self.place(of: "id", bytes) + 4, Self.place(of: "start", bytes),
                        Self.place(of: "end", bytes)
                    ))
            }
        }
    }

    /// The next one, lent.
    mutating func next(_ body: (BSONView) throws -> Void) rethrows {
        let time = Double(Self.begin) / 1e6 + Double(index) * step
        if index % 8 == 0 { newID(UInt64(time)) }
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let number = Int(random >> 40) % Self.types.count
        let kind = index % 50 == 0 ? 2 : index % 4 == 0 ? 1 : 0
        let (_, place, start, end) = templates[number * 3 + kind]
        let elapsed = Double(random >> 44 & 0xFFFF) / 1e5
        try templates[number * 3 + kind].bytes.withUnsafeMutableBytes { bytes in
            for offset in 0..<32 { bytes[place + offset] = id[offset] }
            bytes.storeBytes(of: time.bitPattern.littleEndian, toByteOffset: start, as: UInt64.self)
            bytes.storeBytes(of: (time + elapsed).bitPattern.littleEndian, toByteOffset: end, as: UInt64.self)
            if let view = BSONView(prefixOf: UnsafeRawBufferPointer(bytes)) { try body(view) }
        }
        index += 1
    }

    private mutating func newID(_ seconds: UInt64) {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let words = (seconds << 32 | random >> 32, random &* 0x9E37_79B9_7F4A_7C15)
        for digit in 0..<16 {
            id[digit] = Self.digit(words.0 >> UInt64(60 - digit * 4))
            id[16 + digit] = Self.digit(words.1 >> UInt64(60 - digit * 4))
        }
    }

    private static func digit(_ word: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: word & 15)
        return value < 10 ? 0x30 + value : 0x61 + value - 10
    }

    /// Where a value begins in a document.
    private static func place(of key: String, _ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { buffer in
            guard let element = BSONView(prefixOf: buffer)?.first(key), let base = buffer.baseAddress,
                let value = element.value.baseAddress
            else { return 0 }
            return value - base
        }
    }
}
