import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct StoredTests {
    /// A day in seconds from `noon`.
    private func day(_ number: Double) -> Double { number * 86_400 }

    private func archive() throws -> TestFolder {
        let folder = try TestFolder()
        try folder.write("20261118/request-20261118.bson", [event("request", id: "1", at: day(-2))])
        try folder.write("20261119/request-20261119.log", [event("request", id: "2", at: day(-1))])
        try folder.write(
            "20261120/request-20261120.bson",
            [event("request", id: "3"), event("request", id: "4", at: 3600)])
        try folder.write("20261120/request.sql-20261120.bson", [event("request.sql", id: "3")])
        try folder.write(
            "20261120/_other-20261120.bson", [event("request", id: "5"), event("rare", id: "6")])
        return folder
    }

    private func ids(_ arguments: String...) -> [String] {
        run(["view", "--fields", "id"] + arguments).lines.filter { !$0.isEmpty }.sorted()
    }

    @Test func `stored files are chosen by type and dates, the end inclusive`() throws {
        let folder = try archive()
        let l = folder.path
        #expect(ids("-l", l) == ["1", "2", "3", "3", "4", "5", "6"])
        #expect(ids("-l", l, "-n", "request") == ["1", "2", "3", "4", "5"])
        #expect(
            ids("-l", l, "--type-name=request*", "--start-date=20261120", "--end-date=20261120") == [
                "3", "3", "4", "5",
            ])
        #expect(
            ids("-l", l, "-n", "request", "--start-date", "20261118", "--end-date", "20261119") == ["1", "2"])
        #expect(ids("-l", l, "-n", "request", "--start-date", "20261120 16:00") == ["4"])
        #expect(ids("-l", l, "-n", "request", "--end-date", "20261120 15:27") == ["1", "2", "3", "5"])
    }

    @Test func `the events of an id are chosen, whatever kind of id it is`() throws {
        let folder = try archive()
        let l = folder.path
        #expect(ids("-l", l, "--id", "3") == ["3", "3"])
        #expect(ids("-l", l, "--id", "3", "--id=6", "-n", "rare", "-n", "request.*") == ["3", "6"])
        #expect(ids("-l", l, "--id", "33") == [])
        try folder.write(
            "20261121/old-20261121.bson",
            [
                ["type": "old", "id": .int32(-42)], ["type": "old"],
                ["type": "old", "id": .binary(BSONBinary(subtype: 0, bytes: Array("py".utf8)))],
            ])
        #expect(ids("-l", l, "--id", "-42").count == 1)
        #expect(ids("-l", l, "--id", "py").count == 1)
    }

    @Test func `the type is what the document says, not the file's name`() throws {
        let folder = try TestFolder()
        try folder.write("20261120/request-20261120.bson", [event("request"), event("stray")])
        #expect(run(["view", "-l", folder.path, "-n", "request", "--fields", "type"]).output == "request\n")
    }

    @Test func `an event without a time counts by its file's day`() throws {
        let folder = try TestFolder()
        try folder.write("20261120/t-20261120.bson", [["type": "t", "id": "x"]])
        #expect(ids("-l", folder.path, "--start-date", "20261120", "--end-date", "20261120") == ["x"])
        #expect(ids("-l", folder.path, "--start-date", "20261121") == [])
    }

    @Test func `zipped files and later events beside them are one`() throws {
        let folder = try archive()
        let zip = skein("archive", "zip", "-l", folder.path)
        #expect(zip.code == 0)
        #expect(zip.output.hasPrefix("zipped 1 file, "))
        #expect(try folder.names("20261118").contains("request-20261118.bson.zst"))
        #expect(try folder.names("20261119").contains("request-20261119.log"), "yesterday is left alone")
        try folder.write("20261118/request-20261118.bson", [event("request", id: "late", at: day(-2))])
        #expect(ids("-l", folder.path, "-n", "request") == ["1", "2", "3", "4", "5", "late"])
        #expect(skein("archive", "zip", "-l", folder.path, "--open-days", "--start", "20261119").code == 0)
        #expect(try folder.names("20261119") == [".lock", "request-20261119.bson.zst"])
        #expect(try folder.names("20261118").contains("request-20261118.bson"))
        #expect(ids("-l", folder.path) == ["1", "2", "3", "3", "4", "5", "6", "late"])
    }

    @Test func `a dry run changes nothing`() throws {
        let folder = try archive()
        let outcome = skein("archive", "zip", "-l", folder.path, "--dry-run")
        #expect(
            outcome.code == 0
                && outcome.output.contains("would zip \(folder.path)/20261118/request-20261118.bson"))
        #expect(
            skein("archive", "prune", "-l", folder.path, "--retain-days", "1", "--dry-run").output.contains(
                "would remove 20261118"))
        #expect(try folder.names("20261118") == ["request-20261118.bson"])
    }

    @Test func `prune keeps as many days as are asked for`() throws {
        let folder = try archive()
        let outcome = skein("archive", "prune", "-l", folder.path, "--retain-days", "1")
        #expect(outcome.code == 0 && outcome.output.hasPrefix("removed 20261118: 1 file"))
        #expect(try folder.names("") == ["20261119", "20261120"])
        #expect(
            skein("archive", "prune", "-l", folder.path, "--retain-days", "1").output
                == "nothing older than 1 day\n")
    }

    @Test func `a day in use is left out, and said`() throws {
        let folder = try archive()
        let lock = open(folder.path + "/20261118/.lock", O_RDWR | O_CREAT, 0o644)
        try #require(lock >= 0 && flock(lock, LOCK_SH) == 0)
        defer { close(lock) }
        for arguments in [["zip"], ["prune", "--retain-days", "1"]] {
            let outcome = run(["archive"] + arguments + ["-l", folder.path])
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("20261118 is in use"))
        }
        #expect(try folder.names("20261118").contains("request-20261118.bson"))
    }

    @Test func `cat gives the events of a span as they are stored`() throws {
        let folder = try archive()
        let expected = [
            event("request", id: "2", at: day(-1)), event("request", id: "3"), event("request", id: "5"),
        ]
        let outcome = skein(
            "archive", "cat", "-l", folder.path, "--start", "20261119", "--end", "20261120 15:30", "request")
        #expect(outcome.code == 0)
        #expect(outcome.bytes.count == expected.flatMap(\.bytes).count)
        let decoded = try Python.run(
            "import bson, sys; print(sorted(d['id'] for d in bson.decode_all(sys.stdin.buffer.read())))",
            input: outcome.bytes)
        #expect(decoded == "['2', '3', '5']\n")
        #expect(skein("archive", "cat", "-l", folder.path, "none").code == 1)
    }

    @Test func `cat writes no BSON to a terminal`() throws {
        let folder = try archive()
        let outcome = run(["archive", "cat", "-l", folder.path]) { $0.outputIsTerminal = true }
        #expect(outcome.code == 2 && outcome.output.isEmpty)
    }

    @Test func `the log path comes from the daemon's variable if none is given`() throws {
        let folder = try archive()
        let outcome = run(["archive", "cat", "rare"]) { $0.environment = ["SKEIND_LOG_PATH": folder.path] }
        #expect(outcome.bytes == event("rare", id: "6").bytes)
    }
}
