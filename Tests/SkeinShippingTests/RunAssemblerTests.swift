import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import Testing

@Suite struct RunAssemblerTests {
    private let stream = StreamIdentity(journalHigh: 1, journalLow: 2, opening: 3, shard: 4)

    @Test func `records are copied whole, and numbered anew`() throws {
        let app = try AppJournal(shards: 1, segmentBytes: 1 << 20)
        for size in [0, 1, 7, 8, 9, 5000] { app.append([UInt8](repeating: UInt8(size & 0xFF), count: size)) }
        let run = try #require(try app.journal.reader(shard: 0).next())
        var assembler = RunAssembler(stream: stream, capacity: 1)
        let none = assembler.finish(first: 1, last: 1, isDurable: true, isResumed: false)
        #expect(none?.count == nil)
        var cursor = run.makeCursor()
        var number: UInt64 = 100
        while let record = cursor.next() {
            number += 10
            assembler.append(record, number: number)
        }
        #expect(assembler.count == 6)
        #expect(assembler.byteCount == run.bytes.count)
        let finished = assembler.finish(first: 50, last: 200, isDurable: true, isResumed: true)
        let assembled = try #require(finished)
        #expect(assembler.count == 0)
        #expect(assembled.stream == stream)
        #expect(assembled.first == 50 && assembled.last == 200 && assembled.count == 6)
        #expect(assembled.isSparse)
        var new = RecordCursor(assembled.bytes)
        var old = run.makeCursor()
        var expected: UInt64 = 100
        while let record = new.next(), let original = old.next() {
            expected += 10
            #expect(record.number == expected)
            #expect(record.kind == original.kind)
            #expect(record.arrival == original.arrival)
            let isSame = record.payload.elementsEqual(original.payload)
            #expect(isSame)
        }
        #expect(expected == 160)
        #expect(new.isAtEnd)
    }
}
