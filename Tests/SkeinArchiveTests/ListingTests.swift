import Foundation
import SkeinArchive
import SkeinPlatform
import Testing

@Suite struct ListingTests {
    private func listed(
        _ folder: TestFolder, _ patterns: [String] = [], from start: String? = nil, to end: String? = nil
    ) throws -> [String] {
        try ArchiveListing.files(
            logPath: folder.path, types: TypeSelection(patterns.map { try TypePattern($0) }),
            time: TimeSpan(startDate: start, endDate: end)
        ).map(\.name)
    }

    @Test func `files come by day, type and age`() throws {
        let folder = try TestFolder()
        for name in [
            "20261102/request-20261102.bson", "20261101/request.sql-20261101.bson",
            "20261101/request-20261101.bson", "20261101/request-20261101.bson.zst",
            "20261101/request-20261101.log", "20261101/_other-20261101.bson", "20261101/notes.txt", "README",
            "rejected/x-20261101.bson",
        ] {
            try folder.write(name, [])
        }
        let first = [
            "_other-20261101.bson", "request-20261101.bson.zst", "request-20261101.log",
            "request-20261101.bson",
        ]
        #expect(try listed(folder) == first + ["request.sql-20261101.bson", "request-20261102.bson"])
        #expect(try listed(folder, ["request"]) == first + ["request-20261102.bson"])
        #expect(
            try listed(folder, ["request.*"]) == ["_other-20261101.bson", "request.sql-20261101.bson"])
        #expect(
            try listed(folder, ["request"], from: "20261102", to: "20261102 12:00").last
                == "request-20261102.bson")
    }

    @Test func `only the days asked for are listed, but old Ziggy files of the days beside them, too`() throws
    {
        let folder = try TestFolder()
        for day in ["20261101", "20261102", "20261103", "20261104"] {
            try folder.write("\(day)/request-\(day).bson", [])
            try folder.write("\(day)/old-\(day).log", [])
        }
        #expect(
            try listed(folder, from: "20261102", to: "20261102") == [
                "old-20261101.log", "old-20261102.log", "request-20261102.bson", "old-20261103.log",
            ])
    }

    @Test func `a log path that is not there is an error that names it`() throws {
        let folder = try TestFolder()
        let error = #expect(throws: ArchiveError.self) {
            try ArchiveListing.files(logPath: folder.path + "/none")
        }
        #expect(error?.message.contains("/none") == true && error?.message.contains("ENOENT") == true)
    }

    @Test func `the lock is shared by writers and excludes who zips`() throws {
        let folder = try TestFolder()
        func isFree(_ mode: DayFolderLock.Mode) -> Bool {
            do {
                _ = try DayFolderLock(folder: folder.path, mode)
                return true
            } catch {
                return false
            }
        }
        do {
            let writer = try DayFolderLock(folder: folder.path, .shared)
            #expect(isFree(.shared))
            #expect(!isFree(.exclusive))
            withExtendedLifetime(writer) {}
        }
        #expect(isFree(.exclusive))
    }

    @Test func `prune removes whole days and nothing that is not its own`() throws {
        let folder = try TestFolder()
        for day in ["20261101", "20261102", "20261119", "20261120"] {
            try folder.write("\(day)/request-\(day).bson", [1, 2, 3])
            try folder.write("\(day)/.lock", [])
        }
        try folder.write("20261101/.request-20261101.bson.zst.tmp", [1])
        try folder.write("20261102/notes.txt", [1])
        let today = try #require(ArchiveDay("20261120"))
        let days = try ArchivePrune.days(logPath: folder.path, retainDays: 1, today: today)
        #expect(days.map(\.description) == ["20261101", "20261102"])

        let dry = try ArchivePrune.prune(days[0], logPath: folder.path, isDryRun: true)
        #expect(dry.files == 2 && dry.bytes == 4)
        #expect(try folder.names("20261101").count == 3)

        let first = try ArchivePrune.prune(days[0], logPath: folder.path, isDryRun: false)
        #expect(first == dry)
        let second = try ArchivePrune.prune(days[1], logPath: folder.path, isDryRun: false)
        #expect(second.left == [folder.path + "/20261102/notes.txt"])
        #expect(try folder.names("") == ["20261102", "20261119", "20261120"])
        #expect(try folder.names("20261102").contains("notes.txt"))
    }

    @Test func `prune keeps today and yesterday and days in use`() throws {
        let folder = try TestFolder()
        try folder.write("20261101/request-20261101.bson", [1])
        let today = try #require(ArchiveDay("20261120"))
        #expect(throws: ArchiveError.self) {
            try ArchivePrune.days(logPath: folder.path, retainDays: 0, today: today)
        }
        let lock = try DayFolderLock(folder: folder.path + "/20261101", .shared)
        let day = try #require(ArchiveDay("20261101"))
        let error = #expect(throws: ArchiveError.self) {
            try ArchivePrune.prune(day, logPath: folder.path, isDryRun: false)
        }
        #expect(error?.code == .locked)
        withExtendedLifetime(lock) {}
        #expect(try folder.names("20261101").contains("request-20261101.bson"))
    }
}
