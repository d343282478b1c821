import SkeinBSON
import SkeinPlatform
import SkeinWire
import Testing

@Suite struct DeliverMessageTests {
    static let stream = StreamIdentity(
        journalHigh: 0x0001_0203_0405_0607, journalLow: 0x0809_0A0B_0C0D_0E0F, opening: 0x1112_1314_1516_1718,
        shard: 0x2122_2324)

    static let all: [DeliverMessage] = [
        .hello(
            .init(
                stream: stream, first: 17, durable: true, service: "checkout", host: "h", pid: 42,
                path: ["a", "b"],
                anew: true)),
        .hello(.init(stream: stream, first: 1, durable: false)),
        .batch(.init(stream: stream, first: 3, last: 9, count: 5)),
        .bye(.init(stream: stream, last: 0)),
        .ping,
        .welcome(.init(stream: stream, ack: 0, window: 1 << 20, collector: "c")),
        .acknowledge(.init(stream: stream, ack: UInt64(Int64.max), window: 0)),
        .refuse(.init(stream: stream, reason: .full, retryMilliseconds: 250, message: "disk")),
        .refuse(.init(stream: stream, reason: .gap, at: 12)),
        .refuse(.init(stream: nil, reason: .protocolError, message: "what")),
        .goodbye(.init(stream: stream)),
        .goodbye(.init(stream: nil)),
        .pong(.init(collector: "c")),
        .unknown(op: "DANCE"),
    ]

    @Test(arguments: all) func `every message comes back as it was written`(_ message: DeliverMessage) throws
    {
        let bytes = message.encoded()
        #expect(try DeliverMessage(decoding: bytes) == message)
        #expect(try BSONDocument(validating: bytes).keys.first == "op")
    }

    @Test func `the stream's 28 bytes are journal, opening and shard`() throws {
        let bytes = Self.stream.withBytes { Array($0) }
        #expect(
            bytes == Array(0...15) + [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21])
        #expect(bytes.withUnsafeBytes { StreamIdentity($0) } == Self.stream)
        #expect(bytes.dropLast().withUnsafeBytes { StreamIdentity($0) } == nil)
        #expect(Self.stream.description == "000102030405060708090a0b0c0d0e0f/1112131415161718/555885348")
    }

    @Test func `keys in any order, other numeric types and unknown keys are taken`() throws {
        let header: BSONDocument = [
            "more": .array(.array([.int32(1)])), "window": .double(512), "ack": .int32(7),
            "stream": .binary(BSONBinary(bytes: Self.stream.withBytes { Array($0) })), "op": .string("ACK"),
        ]
        #expect(
            try DeliverMessage(decoding: header.bytes)
                == .acknowledge(.init(stream: Self.stream, ack: 7, window: 512)))
    }

    @Test func `HELLO of another version is read as far as it takes to refuse it`() throws {
        let header: BSONDocument = [
            "op": .string("HELLO"), "v": .int32(2),
            "stream": .binary(BSONBinary(bytes: Self.stream.withBytes { Array($0) })),
            "first": .string("not what it was"),
        ]
        guard case .hello(let hello) = try DeliverMessage(decoding: header.bytes) else {
            Issue.record("no HELLO")
            return
        }
        #expect(hello.version == 2)
    }

    static let hostile: [BSONDocument] = [
        [:],
        ["op": .int32(1)],
        ["op": .string("HELLO")],
        ["op": .string("BATCH"), "stream": .binary(BSONBinary(bytes: [1, 2, 3]))],
        batch(first: 0, last: 1, count: 1),
        batch(first: -5, last: 1, count: 1),
        batch(first: 5, last: 4, count: 1),
        batch(first: 5, last: 6, count: 3),
        batch(first: 5, last: 6, count: 0),
        batch(first: 1, last: .max, count: .min),
        ["op": .string("ACK"), "stream": streamValue, "ack": .int64(-1), "window": .int64(1)],
        ["op": .string("ACK"), "stream": streamValue, "ack": .int64(1), "window": .int64(-1)],
        ["op": .string("ACK"), "stream": streamValue, "ack": .double(.nan), "window": .int64(1)],
        ["op": .string("ACK"), "stream": streamValue, "ack": .double(1e300), "window": .int64(1)],
        ["op": .string("PONG"), "collector": .string(String(repeating: "x", count: 65))],
        ["op": .string("REFUSE"), "reason": .string(String(repeating: "x", count: 65))],
        ["op": .string("REFUSE"), "stream": .string("x"), "reason": .string("full")],
    ]

    static let streamValue = BSONValue.binary(BSONBinary(bytes: stream.withBytes { Array($0) }))

    static func batch(first: Int64, last: Int64, count: Int64) -> BSONDocument {
        [
            "op": .string("BATCH"), "stream": streamValue, "first": .int64(first), "last": .int64(last),
            "count": .int64(count),
        ]
    }

    @Test(arguments: hostile) func `headers with impossible values are refused`(_ header: BSONDocument) {
        #expect(throws: DeliverMessageError.self) { try DeliverMessage(decoding: header.bytes) }
    }

    @Test func `a path of thousands, and a header of megabytes, are refused`() {
        let path = BSONValue.array(BSONDocument.array((0..<100).map { .string("\($0)") }))
        let header: BSONDocument = [
            "op": .string("HELLO"), "v": .int32(1), "stream": Self.streamValue, "first": .int32(1),
            "durable": .bool(true),
            "path": path,
        ]
        #expect(throws: DeliverMessageError.self) { try DeliverMessage(decoding: header.bytes) }
        let large: BSONDocument = [
            "op": .string("PING"), "x": .string(String(repeating: "x", count: 100_000)),
        ]
        #expect(throws: DeliverMessageError.self) { try DeliverMessage(decoding: large.bytes) }
    }

    @Test func `no damage to a header is more than an error`() {
        var random = FastRandom(seed: 7)
        var taken = 0
        for message in Self.all {
            let bytes = message.encoded()
            for cut in 0..<bytes.count {
                #expect(throws: DeliverMessageError.self) {
                    try DeliverMessage(decoding: Array(bytes.prefix(cut)))
                }
            }
            for _ in 0..<2000 {
                var damaged = bytes
                for _ in 0...Int(random.next() % 3) {
                    damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(
                        truncatingIfNeeded: random.next())
                }
                if (try? DeliverMessage(decoding: damaged)) != nil { taken += 1 }
            }
        }
        #expect(taken > 0)  // a changed letter of a name is still a header
    }
}

@Suite struct ControlCommandTests {
    @Test(arguments: ControlCommand.allCases) func `every command is read as it is written`(
        _ command: ControlCommand
    ) {
        #expect(command.request.bytes.withUnsafeBytes { ControlCommand(request: $0) } == command)
    }

    @Test func `Python 2 spells the command as binary`() {
        let request: BSONDocument = ["cmd": .binary(BSONBinary(bytes: Array("STATUS".utf8)))]
        #expect(request.bytes.withUnsafeBytes { ControlCommand(request: $0) } == .status)
    }

    @Test(
        arguments: [["cmd": .string("DANCE")], ["cmd": .int32(1)], ["x": .string("STATUS")], [:]]
            as [BSONDocument])
    func `anything else is no command`(_ request: BSONDocument) {
        #expect(request.bytes.withUnsafeBytes { ControlCommand(request: $0) } == nil)
        #expect(request.bytes.dropLast().withUnsafeBytes { ControlCommand(request: $0) } == nil)
    }

    @Test func `answers can be read back`() {
        ControlAnswer.port(3515).withView { #expect(ControlAnswer.port(in: $0) == 3515) }
        ControlAnswer.port(nil).withView { #expect(ControlAnswer.port(in: $0) == nil) }
        ControlAnswer.unknownCommand.withView { #expect(ControlAnswer.error(in: $0) == "Unknown Command") }
        ControlAnswer.ok.withView { #expect(ControlAnswer.error(in: $0) == nil) }
    }
}
