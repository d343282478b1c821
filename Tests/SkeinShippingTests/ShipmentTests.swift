import SkeinJournal
import SkeinWire
import Testing

@testable import SkeinShipping

@Suite struct ShipmentTests {
    private let stream = StreamIdentity(journalHigh: 1, journalLow: 2, opening: 3, shard: 4)

    /// A run of real records with these numbers.
    private func run(_ numbers: [UInt64]) throws -> ShippableRun {
        let app = try AppJournal(shards: 1)
        app.append([1, 2, 3])
        let source = try #require(try app.journal.reader(shard: 0).next())
        var cursor = source.makeCursor()
        let next = cursor.next()
        let record = try #require(next)
        var assembler = RunAssembler(stream: stream)
        for number in numbers { assembler.append(record, number: number) }
        let run = assembler.finish(
            first: numbers[0], last: numbers[numbers.count - 1], isDurable: true, isResumed: false)
        return try #require(run)
    }

    @Test func `runs are counted when they are whole`() throws {
        var shipment = Shipment(first: 1, isResumed: false, isSparse: false)
        shipment.sent(try run([1, 2, 3]))
        shipment.sent(try run([4, 6]))
        #expect(shipment.acknowledged(2) == 0)
        #expect(shipment.acknowledged(3) == 3)
        #expect(shipment.acknowledged(5) == 0)
        #expect(shipment.acknowledged(6) == 2)
        #expect(shipment.acknowledged(6) == 0)
    }

    @Test func `what is sent again, cut otherwise, is counted once`() throws {
        var shipment = Shipment(first: 1, isResumed: false, isSparse: false)
        shipment.sent(try run([1, 2, 3]))
        shipment.sent(try run([1, 2]))
        shipment.sent(try run([3, 4, 5]))
        shipment.sent(try run([4, 5, 6]))
        #expect(shipment.acknowledged(6) == 6)
    }

    @Test func `what an earlier process sent is counted by its numbers`() throws {
        var shipment = Shipment(first: 11, isResumed: true, isSparse: false)
        #expect(shipment.acknowledged(15) == 5)
        shipment.sent(try run([14, 15, 16, 17]))
        #expect(shipment.acknowledged(17) == 2)
        var sparse = Shipment(first: 1, isResumed: true, isSparse: true)
        #expect(sparse.acknowledged(1 << 40) == 0)
    }

    @Test func `invalid records are not acknowledged ones, however often they are refused`() throws {
        var shipment = Shipment(first: 1, isResumed: false, isSparse: false)
        shipment.sent(try run([1, 2, 3, 4]))
        #expect(shipment.refused(2) == 1)
        #expect(shipment.refused(2) == 0)
        #expect(shipment.refused(4) == 1)
        #expect(shipment.acknowledged(4) == 2)
        #expect(shipment.refused(4) == 0)
    }

    @Test func `several invalid records are told at once, and never more than there can be`() throws {
        var shipment = Shipment(first: 1, isResumed: false, isSparse: false)
        shipment.sent(try run([1, 2, 3, 4, 5, 6]))
        #expect(shipment.refused(2) == 1)
        #expect(shipment.refused(5, count: 2) == 2)
        #expect(shipment.refused(5, count: 2) == 0)
        #expect(shipment.refused(6, count: 1_000_000) == 1)
        #expect(shipment.acknowledged(6) == 2)
    }
}
