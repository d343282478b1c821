import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

/// The bytes of `Docs/Journal.md`, spelled out: another implementation could read them.
@Suite struct FormatTests {
    private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// CRC32C bit by bit, as RFC 3720 has it.
    private func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F6_3B78 }
        }
        return ~crc
    }

    @Test func `a record has the bytes that the document says`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try MappedJournal(
            .init(folder: "s", shards: 1, segmentBytes: 16 << 10, budgetBytes: 64 << 10), storage: disk,
            boot: JournalID(low: 3, high: 4))
        let number = journal.shards[0].append(
            kind: .held, flags: RecordFlags.log, arrival: 0x0102_0304_0506_0708, capacity: 5, slot: nil
        ) { memory in
            memory.copyMemory(from: Array("hello".utf8), byteCount: 5)
            return 5
        }
        #expect(number == 1)
        _ = try journal.reader(shard: 0).next()
        disk.edit("s/0/0.seg") { bytes in
            let segment = UnsafeRawBufferPointer(bytes)
            #expect(Array(segment[0..<8]) == Array("SKEINSEG".utf8))
            #expect(Array(segment[2048..<2056]) == Array("SKEINSEG".utf8))
            #expect(word(segment, 8) & 0xFFFF_FFFF == 1)
            #expect(UInt32(word(segment, 8) >> 32) == crc(Array(segment[16..<120])))
            #expect(Array(segment[16..<32]) == journal.id.bytes)
            #expect(word(segment, 32) == 3 && word(segment, 40) == 4)
            #expect(word(segment, 48) == 1 && word(segment, 56) == journal.opening)
            #expect(word(segment, 64) == 16 << 10 && word(segment, 80) == 0)
            #expect(word(segment, 88) == 1 && word(segment, 96) == 0 && word(segment, 104) == 0)
            #expect(word(segment, 128) == 4096 + 40)
            let record = Array(segment[4096..<4136])
            var expected: [UInt8] = [5, 0, 0, 0] + [0, 0, 0, 0] + [2, 3, 0, 0] + [0, 0, 0, 0]
            expected += [1, 0, 0, 0, 0, 0, 0, 0] + [8, 7, 6, 5, 4, 3, 2, 1] + Array("hello".utf8)
            let seed = Array(segment[48..<56]) + Array(segment[56..<64])
            let checksum = crc(seed + expected)
            expected.replaceSubrange(4..<8, with: withUnsafeBytes(of: checksum.littleEndian) { Array($0) })
            #expect(record == expected + [0, 0, 0])
        }
    }

    @Test func `the head has the bytes that the document says`() throws {
        let disk = SimulatedDisk(keepsReservations: true)
        let journal = try MappedJournal(
            .init(
                folder: "s", shards: 3, segmentBytes: 16 << 10, budgetBytes: 64 << 10, slots: 7,
                endpoint: "tcp://h:1"), storage: disk, boot: JournalID(low: 3, high: 4))
        journal.signOfLife(77)
        journal.counter(0).pointee.store(8, ordering: .relaxed)
        journal.counter(127).pointee.store(9, ordering: .relaxed)
        disk.edit("s/0/journal") { bytes in
            let head = UnsafeRawBufferPointer(bytes)
            #expect(Array(head[0..<8]) == Array("SKEINJNL".utf8))
            #expect(word(head, 8) & 0xFFFF_FFFF == 1)
            #expect(UInt32(word(head, 8) >> 32) == crc(Array(head[16..<128])))
            #expect(Array(head[16..<32]) == journal.id.bytes && word(head, 32) == journal.opening)
            #expect(word(head, 40) == 3 && word(head, 48) == 4)
            #expect(word(head, 56) == 3 | 7 << 32 && word(head, 64) == 16 << 10)
            #expect(UInt32(truncatingIfNeeded: word(head, 80)) == UInt32(getpid()))
            #expect(word(head, 80) >> 32 == 9 && Array(head[1280..<1290]) == Array("tcp://h:1".utf8) + [0])
            #expect(word(head, 128) == 77 && word(head, 136) == 0)
            #expect(word(head, 256) == 8 && word(head, 256 + 127 * 8) == 9)
        }
        #expect(disk.byteCount("s/0/slots") == 7 * 4096)
    }

    @Test func `a cursor alternates between two copies, and the newer whole one wins`() {
        var bytes = [UInt8](repeating: 0, count: 64)
        func write(_ generation: UInt32) {
            let record = CursorRecord(
                position: JournalPosition(sequence: 7, offset: UInt64(generation)), number: 9,
                generation: generation)
            let encoded = record.encoded()
            #expect(encoded.count == 32)
            bytes.replaceSubrange(record.copyOffset..<record.copyOffset + 32, with: encoded)
        }
        func read() -> UInt32? { bytes.withUnsafeBytes { CursorRecord(pair: $0)?.generation } }
        #expect(read() == nil)
        for generation in [UInt32.max - 2, .max - 1, .max, 0, 1, 2] {
            write(generation)
            #expect(read() == generation)
        }
        bytes[20] ^= 4
        #expect(read() == 1)
        bytes[50] ^= 4
        #expect(read() == nil)
    }

    @Test func `a table of streams comes back as it was, and any part of it does no harm`() {
        var table = StreamTable()
        for index in 0..<20 as Range<UInt32> {
            table.put(
                StreamRow(
                    stream: stream(UInt64(index) + 1), index: index * 3, highest: UInt64(index) << 40,
                    durable: 0,
                    lastHeard: -Int64(index), isDurable: index % 2 == 0, isEnded: index % 3 == 0))
        }
        var copy = StreamTable()
        table.encoded().withUnsafeBytes { copy.apply($0) }
        #expect(copy.rows == table.rows && copy.indices == table.indices && copy.nextIndex == table.nextIndex)
        var random = FastRandom(seed: 5)
        for length in 0..<table.encoded().count {
            var bytes = Array(table.encoded()[..<length])
            if !bytes.isEmpty { bytes[random.below(bytes.count)] = UInt8.random(in: 0...255, using: &random) }
            bytes.withUnsafeBytes { copy.apply($0) }
        }
    }

    @Test func `no bytes make the walk over records leave them`() {
        var random = FastRandom(seed: KernelRandom.word())
        for _ in 0..<2000 {
            // Exactly as long as it is, so that the address sanitizer sees a step too far.
            let count = random.below(200)
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
            defer { bytes.deallocate() }
            for index in 0..<count {
                bytes[index] =
                    random.oneIn(3) ? UInt8.random(in: 0...255, using: &random) : UInt8(random.below(3))
            }
            var records = RecordCursor(UnsafeRawBufferPointer(bytes))
            var sum = 0
            while let record = records.next() {
                sum += record.payload.count + Int(record.flags) + Int(record.streamIndex)
                sum += record.payload.reduce(0) { $0 + Int($1) }
                #expect(record.number >= 0 && records.offset <= count)
            }
            #expect(records.isAtEnd == (records.offset == count) && sum >= 0)
        }
    }
}
