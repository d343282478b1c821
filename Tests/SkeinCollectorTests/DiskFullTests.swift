import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import Testing

/// A file system of its own that a test can fill: tmpfs, for who may mount one.
final class SmallDisk {
    let path: String

    /// - Returns: nil where that is not allowed.
    init?(_ path: String, mebibytes: Int) {
        self.path = path
        mkdir(path, 0o755)
        guard geteuid() == 0, Self.run("mount -t tmpfs -o size=\(mebibytes)m tmpfs '\(path)' 2>/dev/null")
        else {
            return nil
        }
    }

    deinit {
        _ = Self.run("umount -l '\(path)'")
    }

    static let isAllowed: Bool = {
        guard let folder = try? TemporaryFolder() else { return false }
        return SmallDisk(folder.path + "/disk", mebibytes: 1) != nil
    }()

    private static func run(_ command: String) -> Bool { system(command) == 0 }

    /// Uses up what is free.
    func fill() throws {
        let file = open(path + "/hog", O_WRONLY | O_CREAT, 0o644)
        try #require(file >= 0)
        defer { close(file) }
        let bytes = [UInt8](repeating: 1, count: 1 << 16)
        _ = lseek(file, 0, SEEK_END)
        while bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) > 0 {}
    }

    func makeRoom() {
        unlink(path + "/hog")
    }

    func grow(mebibytes: Int) {
        _ = Self.run("mount -o remount,size=\(mebibytes)m '\(path)'")
    }
}

@Suite(.enabled(if: SmallDisk.isAllowed, "needs the right to mount a tmpfs"))
struct DiskFullTests {
    @Test func `with the journal's disk full producers are told to wait, and all goes on by itself`() throws {
        let folder = try TemporaryFolder()
        mkdir(folder.path + "/data", 0o755)
        let disk = try #require(SmallDisk(folder.path + "/data", mebibytes: 40))
        var files = OutletConfiguration.Files(path: folder.path + "/files")
        files.checkpointInterval = .milliseconds(100)
        let running = try RunningCollector(folder) { configuration in
            configuration.outlets = [
                OutletConfiguration(name: "files", kind: .files(files)),
                OutletConfiguration(
                    name: "here", kind: .files(.init(path: configuration.dataPath + "/files"))),
            ]
            configuration.drainTimeout = .seconds(1)
        }
        let sender = try BacklogTests.Sender(try #require(running.ports.deliver))
        #expect(try sender.send(kibibytes: 100))
        var dropped: Int64 = 0
        for _ in 1...2 {
            try disk.fill()
            // Segments that were made before take some.
            var isTaken = true
            for _ in 0..<200 where isTaken { isTaken = try sender.send(kibibytes: 100) }
            #expect(!isTaken, "the disk never was full")
            #expect(sender.retryMilliseconds > 0)
            let client = try PushClient(running.ports.collect[0])
            try eventually("what is collected is dropped, and counted") {
                try client.send(freshEvent("lost", 1, text: String(repeating: "x", count: 4000)).bytes)
                return running.ledger("dropped.disk_full") ?? 0 > dropped
            }
            #expect(try ask(running.ports.control, "STATUS")["id"] != nil)
            disk.makeRoom()
            // More than what was refused, of which some may have been taken.
            try eventually("it goes on") { try sender.send(kibibytes: 150) }
            try eventually("the client's are through") {
                let status = running.collector.status
                return status[path: "outlets.files.in_flight"]?.intValue == 0
                    && status[path: "outlets.here.in_flight"]?.intValue == 0
            }
            dropped = running.ledger("dropped.disk_full") ?? 0
        }
        try running.flush()
        for path in ["/files", "/data/files"] {
            let stored = try RunningCollector.stored(folder.path + path)
            try BacklogTests.expectOnce(stored.filter { $0.key.hasPrefix("t") }, sender.sent)
        }
        try eventually("the drops are told") {
            let told = try BacklogTests.notices(try RunningCollector.stored(folder.path + "/files"))
            return told.filter { $0.reason == "disk_full" && $0.place == "collect" }.reduce(0) {
                $0 + $1.count
            }
                == running.ledger("dropped.disk_full")
        }
        running.expectBalance()
        running.collector.stop()
    }

    @Test func `with the files' disk full that outlet alone waits, and misses nothing when there is room`()
        throws
    {
        let folder = try TemporaryFolder()
        let disk = try #require(SmallDisk(folder.path + "/small", mebibytes: 3))
        let running = try RunningCollector(folder) { configuration in
            configuration.journal.segmentBytes = 256 << 10
            configuration.journal.budgetBytes = 4 << 20
            configuration.outlets.append(
                OutletConfiguration(name: "small", kind: .files(.init(path: disk.path))))
        }
        let sender = try BacklogTests.Sender(try #require(running.ports.deliver))
        #expect(try sender.send(kibibytes: 10 << 10))
        #expect(running.warnings.wait(for: "small: cannot write") != nil)
        try eventually("the other one has all") {
            running.collector.status[path: "outlets.files.delivered"]?.intValue == Int64(sender.sent)
        }
        try BacklogTests.expectOnce(try running.stored(), sender.sent)
        #expect(
            running.collector.status[path: "outlets.small.problem"]?.stringValue?.contains("ENOSPC") == true)
        disk.grow(mebibytes: 64)
        try running.flush()
        try BacklogTests.expectOnce(try RunningCollector.stored(disk.path), sender.sent)
        running.expectBalance()
        running.collector.stop()
    }
}
