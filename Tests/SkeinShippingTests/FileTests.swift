import SkeinJournal
import SkeinPlatform
import SkeinShipping
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

    #if os(Linux)
        @Test func `an idle shipper hardly wakes`() throws {
            let folder = try TemporaryFolder()
            let app = try AppJournal(shards: 1)
            let shipper = try makeShipper(app, "\(folder.path)/events.bson")
            app.append(1...10)
            #expect(shipper.flush(timeout: .seconds(20)))
            usleep(100_000)
            let before = wakeUps()
            usleep(2_000_000)
            let after = wakeUps()
            #expect(after > 0)
            // A sign of life each second, and what other tests' shippers do at the same time is not counted.
            #expect(after - before <= 8)
            shipper.shutdown(timeout: .seconds(20))
        }

        /// How often the quietest shipper thread of this process went to sleep.
        private func wakeUps() -> Int {
            guard let folder = opendir("/proc/self/task") else { return 0 }
            defer { closedir(folder) }
            var fewest = Int.max
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard SmallFile.read("/proc/self/task/\(name)/comm") == "skein-shipper\n",
                    let status = SmallFile.read("/proc/self/task/\(name)/status"),
                    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("voluntary_ctxt") }),
                    let count = Int(line.split(separator: "\t").last ?? "")
                else { continue }
                fewest = min(fewest, count)
            }
            return fewest == .max ? 0 : fewest
        }
    #endif
}
