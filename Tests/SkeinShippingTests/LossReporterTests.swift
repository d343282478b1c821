import SkeinBSON
import SkeinJournal
import SkeinWire
import Synchronization
import Testing

@testable import SkeinShipping

@Suite struct LossReporterTests {
    private func appended(_ journal: MappedJournal, _ bytes: Int) -> Bool {
        journal.shards[0].append(kind: .event, flags: 0, arrival: 1, capacity: bytes, slot: nil) { _ in bytes
        } != 0
    }

    private func drained(_ reader: JournalReader) throws -> [BSONDocument] {
        var documents: [BSONDocument] = []
        while let run = try reader.next(maximumBytes: 1 << 20) {
            var records = RecordCursor(run.bytes)
            while let record = records.next() {
                if let document = try? BSONDocument(validating: Array(record.payload)) {
                    documents.append(document)
                }
            }
            try reader.advance(past: run.last, of: run.stream)
        }
        return documents
    }

    @Test func `what an app lost is told once its journal has room, and once only`() throws {
        let journal = try MappedJournal(.init(shards: 1, segmentBytes: 64 << 10, budgetBytes: 128 << 10))
        let reader = try journal.reader(shard: 0)
        let counter = journal.counter(PipelineCounter.journalFull.index)
        counter.pointee.store(3, ordering: .relaxed)
        // Three were lost before: by an earlier process.
        let reporter = LossReporter(journal, host: "here", pid: 7, service: "shop")
        reporter.tell(now: 1)
        while appended(journal, 1024) {}
        while appended(journal, 8) {}
        counter.pointee.add(5, ordering: .relaxed)
        reporter.tell(now: 2)
        #expect(try drained(reader).isEmpty)

        reporter.tell(now: 3)
        let told = try drained(reader)
        try #require(told.count == 1)
        #expect(
            told[0]["type"] == "skein.dropped" && told[0]["host"] == "here" && told[0]["service"] == "shop")
        #expect(told[0]["pid"]?.intValue == 7)
        #expect(told[0][path: "body.reason"] == "journal_full" && told[0][path: "body.where"] == "app")
        #expect(told[0][path: "body.count"]?.intValue == 5)
        let since = try #require(told[0]["start"]?.doubleValue)
        #expect(try #require(told[0]["end"]?.doubleValue) >= since)

        // Not again, and further losses only after a pause.
        reporter.tell(now: 4)
        counter.pointee.add(2, ordering: .relaxed)
        reporter.tell(now: 5)
        #expect(try drained(reader).isEmpty)
        reporter.tell(now: 3_000_000_000)
        #expect(try drained(reader).map { $0[path: "body.count"]?.intValue } == [2])
    }
}
