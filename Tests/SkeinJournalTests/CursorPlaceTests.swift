import SkeinPlatform
import Testing

@testable import SkeinJournal

@Suite struct CursorPlaceTests {
    @Test func `a cursor moves to a place that was read before a rewind, and reading goes on behind it`()
        throws
    {
        let disk = SimulatedDisk()
        let journal = try BatchJournalTests.journal(disk)
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        for number in UInt64(1)...6 { journal.append([(number, "\(number)")], stream: row.index) }
        try journal.sync()
        let run = try #require(try reader.next(maximumBytes: 100))
        #expect(run.texts == ["1", "2"])
        _ = try reader.next(maximumBytes: 100)
        reader.rewindToCursor()
        try reader.advance(to: run.end)
        #expect(reader.position == run.end)
        #expect(try reader.texts() == ["3", "4", "5", "6"])
        // What lies behind it does nothing; what was read and lies before it is done with.
        try reader.advance(to: run.start)
        #expect(reader.position == run.end)
        try reader.advance(to: journal.durablePosition)
        #expect(try reader.texts().isEmpty)
        journal.close()
        let again = try BatchJournalTests.journal(disk)
        #expect(try again.reader(named: "files").texts().isEmpty)
    }

    @Test func `a place and its ordinal are each other's`() {
        for place in [
            JournalPosition(sequence: 1, offset: 4096), JournalPosition(sequence: 77, offset: 1 << 30 - 8),
        ] {
            #expect(JournalPosition(ordinal: place.ordinal) == place)
        }
    }

    @Test func `records keep their own arrival when none is given`() throws {
        let journal = try BatchJournalTests.journal()
        let reader = try journal.reader(named: "files")
        let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
        var bytes = batch([(1, "one")])
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: Int64(77).littleEndian, toByteOffset: 24, as: Int64.self)
        }
        let outcome = bytes.withUnsafeMutableBytes {
            journal.append($0, stream: row.index, numbers: 1...1, arrival: nil) { _ in true }
        }
        #expect(outcome.journaled == 1)
        try journal.sync()
        let run = try #require(try reader.next())
        var records = run.makeCursor()
        #expect(records.next()?.arrival == 77)
    }

    @Test func `what goes into the reserve does not open it to anything else`() throws {
        let journal = try BatchJournalTests.journal(budget: 4 * (16 << 10))
        _ = try journal.reader(named: "files")
        let text = String(repeating: "x", count: 8000)
        #expect(throws: JournalError.self) { while true { try journal.append(own: text) } }
        try journal.append(own: "of its own", useReserve: true)
        #expect(throws: JournalError.self) { try journal.append(own: text) }
        #expect(throws: JournalError.self) { try journal.append(own: text) }
        try journal.append(own: "of its own", useReserve: true)
    }
}
