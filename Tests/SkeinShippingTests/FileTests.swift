import SkeinJournal
import SkeinPlatform
import SkeinShipping
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct FileTests {
    private func makeShipper(_ app: AppJournal, _ path: String, _ warnings: Warnings = Warnings()) throws
        -> Shipper
    {
        try Shipper(journal: app.journal, configuration: .init(endpoint: try Endpoint("file://\(path)"))) {
            warnings.add($0)
        }
    }

    @Test func `documents are appended one behind the other`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/events.bson"
        for round in 0...1 {
            let app = try AppJournal(shards: 1)
            let shipper = try makeShipper(app, path)
            app.append(1...1000)
            #expect(shipper.flush(timeout: .seconds(20)))
            #expect(try documents(in: path).suffix(1000) == (1...1000).map { AppJournal.event(0, $0) }[...])
            #expect(try documents(in: path).count == (round + 1) * 1000)
            #expect(shipper.statistics.acknowledged == 1000)
            #expect(shipper.statistics.transport == .file)
            #expect(app.journal.usage.bytes <= 4 * 65_536)
            shipper.shutdown(timeout: .seconds(20))
        }
    }

    @Test func `a file that was moved away is made anew`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/events.bson"
        let app = try AppJournal(shards: 1)
        let shipper = try makeShipper(app, path)
        app.append(1...10)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(rename(path, path + ".1") == 0)
        let deadline = SystemClock.monotonicNanoseconds() + 20_000_000_000
        var number = 10
        while access(path, F_OK) != 0 && SystemClock.monotonicNanoseconds() < deadline {
            number += 1
            app.append(number...number)
            #expect(shipper.flush(timeout: .seconds(20)))
            usleep(50_000)
        }
        shipper.shutdown(timeout: .seconds(20))
        #expect(
            try documents(in: path + ".1") + documents(in: path)
                == (1...number).map { AppJournal.event(0, $0) })
    }

    @Test func `a full disk is told, keeps records in the journal, and leaves no half document`() throws {
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let shipper = try makeShipper(app, "/dev/full", warnings)
        app.append(1...10)
        #expect(!shipper.flush(timeout: .milliseconds(300)))
        #expect(warnings.wait(for: "ENOSPC"))
        #expect(shipper.statistics.acknowledged == 0)
        #expect(shipper.statistics.backlogBytes > 0)
        shipper.shutdown(timeout: .zero)
    }

    @Test func `a folder that does not exist is told, and tried again`() throws {
        let folder = try TemporaryFolder()
        let app = try AppJournal(shards: 1)
        let warnings = Warnings()
        let shipper = try makeShipper(app, "\(folder.path)/later/events.bson", warnings)
        app.append(1...10)
        #expect(warnings.wait(for: "ENOENT"))
        mkdir("\(folder.path)/later", 0o755)
        #expect(shipper.flush(timeout: .seconds(20)))
        #expect(try documents(in: "\(folder.path)/later/events.bson").count == 10)
        shipper.shutdown(timeout: .seconds(20))
    }

    @Test func `an idle shipper hardly wakes, nor does one whose records trickle`() throws {
        let folder = try TemporaryFolder()
        let app = try AppJournal(shards: 1)
        let rounds = Rounds(app.journal)
        let shipper = try Shipper(
            shipping: rounds,
            configuration: .init(endpoint: try Endpoint("file://\(folder.path)/events.bson")))
        app.append(1...10)
        #expect(shipper.flush(timeout: .seconds(20)))
        var before = rounds.count
        usleep(2_000_000)
        // Falling asleep, and twice a sign of life.
        #expect(rounds.count - before <= 6)

        before = rounds.count
        let start = SystemClock.monotonicNanoseconds()
        for number in 1...1000 {
            app.append(number...number)
            usleep(500)
        }
        let milliseconds = Int((SystemClock.monotonicNanoseconds() - start) / 1_000_000)
        // One look each five milliseconds, not one a record.
        #expect(rounds.count - before <= milliseconds / 4 + 10)
        #expect(shipper.flush(timeout: .seconds(20)))
        shipper.shutdown(timeout: .seconds(20))
    }

    /// Counts how often the shipper goes around.
    private final class Rounds: ShippableJournal {
        private let journal: MappedShippable
        private let rounds = Atomic<Int>(0)

        init(_ journal: MappedJournal) { self.journal = MappedShippable(journal) }

        var count: Int { rounds.load(ordering: .relaxed) }

        func makeLanes() throws -> [any ShippableLane] { try journal.makeLanes() }
        func tend() {
            rounds.add(1, ordering: .relaxed)
            journal.tend()
        }
        func setWakeUp(_ wakeUp: (@Sendable () -> Void)?) { journal.setWakeUp(wakeUp) }
        func marks() -> [UInt64] { journal.marks() }
        func count(_ outcome: ShippingOutcome, _ records: UInt64) { journal.count(outcome, records) }
    }
}
