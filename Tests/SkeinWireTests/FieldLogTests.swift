import SkeinBSON
import SkeinPlatform
import SkeinWire
import Testing

@Suite struct FieldLogTests {
    /// A slot in which `fill` wrote, as a dead process would leave it.
    private func slot(_ fill: (inout FieldLog) -> Void) -> [UInt8] {
        let block = UnsafeMutableRawPointer.allocate(byteCount: SlotLayout.size, alignment: 64)
        defer { block.deallocate() }
        block.initializeMemory(as: UInt8.self, repeating: 0, count: SlotLayout.size)
        block.storeBytes(of: SlotLayout.stateOpen, as: UInt32.self)
        block.storeBytes(of: 1_000.5, toByteOffset: SlotLayout.start, as: Double.self)
        block.storeBytes(of: 1.0, toByteOffset: SlotLayout.rate, as: Double.self)
        block.storeBytes(of: UInt64(0xAB).bigEndian, toByteOffset: SlotLayout.traceID + 8, as: UInt64.self)
        block.storeBytes(of: UInt64(7), toByteOffset: SlotLayout.span, as: UInt64.self)
        block.storeBytes(of: UInt16(7), toByteOffset: SlotLayout.typeLength, as: UInt16.self)
        Array("request".utf8).withUnsafeBytes {
            (block + SlotLayout.type).copyMemory(from: $0.baseAddress!, byteCount: 7)
        }
        var log = FieldLog(block: block, capacity: SlotLayout.size - SlotLayout.fields, limits: EventLimits())
        defer { log.destroy() }
        fill(&log)
        return Array(UnsafeRawBufferPointer(start: block, count: SlotLayout.size))
    }

    private func set(_ log: inout FieldLog, _ key: String, _ value: Int64) -> FieldLog.Outcome {
        Array(key.utf8).withUnsafeBytes {
            log.setScalar(
                $0.baseAddress!, key.utf8.count, literal: false, type: 0x12, bits: UInt64(bitPattern: value),
                size: 8)
        }
    }

    private func set(_ log: inout FieldLog, _ key: String, _ value: String) -> FieldLog.Outcome {
        Array(key.utf8).withUnsafeBytes { key in
            Array(value.utf8).withUnsafeBytes {
                log.setString(key.baseAddress!, key.count, literal: false, $0.baseAddress, $0.count)
            }
        }
    }

    private func recovered(_ slot: [UInt8]) -> BSONDocument? {
        slot.withUnsafeBytes {
            AbandonedEvent.document(slot: $0, lastSignOfLife: 2_000_000_000_000, host: "h", service: "s")
        }.map { BSONDocument(unchecked: $0) }
    }

    @Test func `what a dead process had open is an event with its fields so far`() throws {
        let slot = slot { log in
            #expect(set(&log, "path", "/a") == .stored)
            #expect(set(&log, "response.status", 100) == .stored)
            #expect(set(&log, "path", "/longer") == .stored)
            #expect(set(&log, "response.size", 5) == .stored)
        }
        let event = try #require(recovered(slot))
        #expect(event["type"] == "request")
        #expect(event["id"] == "000000000000000000000000000000ab")
        #expect(event["start"] == .double(1_000.5))
        #expect(event["end"] == .double(2_000))
        #expect(event[path: "error.type"] == "abandoned")
        let response: BSONDocument = ["status": .int64(100), "size": .int64(5)]
        let body = try #require(event["body"]?.documentValue)
        #expect(body[path: "path"] == "/longer")
        #expect(body["response"] == .document(response))
        #expect(body.count == 2)
    }

    @Test func `a value whose older one was not yet marked dead is taken once, the newer one`() throws {
        var slot = slot { log in
            _ = set(&log, "x", "first")
            _ = set(&log, "x", "second")
        }
        #expect(slot[SlotLayout.fields] == 0x82)
        slot[SlotLayout.fields] = 0x02
        let body = try #require(recovered(slot)?["body"]?.documentValue)
        #expect(body == ["x": "second"])
    }

    @Test func `every committed length of a slot gives whole fields`() throws {
        let full = slot { log in
            for n in 0..<20 {
                _ = set(&log, "group.field\(n)", Int64(n))
                _ = set(&log, "text\(n)", String(repeating: "t", count: n))
            }
        }
        let committed = full.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self) }
        for length in 0...committed {
            var slot = full
            withUnsafeBytes(of: length) { slot.replaceSubrange(4..<8, with: $0) }
            let event = try #require(recovered(slot))
            _ = try BSONDocument(validating: event.bytes)
        }
    }

    @Test func `no byte of a slot, whatever it becomes, makes recovery trap or give invalid BSON`() throws {
        let full = slot { log in
            _ = set(&log, "a.b", 1)
            _ = set(&log, "a.c", "text")
            _ = set(&log, "d", "more")
        }
        for offset in 0..<640 {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                var slot = full
                slot[offset] = value
                if let event = recovered(slot) { _ = try BSONDocument(validating: event.bytes) }
            }
        }
    }

    @Test func `hex is written and read back`() {
        var random = FastRandom(seed: 3)
        for _ in 0..<1_000 {
            let word = random.next() >> (random.next() & 63)
            let text = Hex.string(word)
            let expected = String(word, radix: 16)
            #expect(text == String(repeating: "0", count: 16 - expected.count) + expected)
            #expect(Array(text.utf8).withUnsafeBytes { Hex.parse($0) } == word)
        }
    }
}
