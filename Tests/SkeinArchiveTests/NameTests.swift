import Foundation
import SkeinArchive
import Testing

@Suite struct NameTests {
    @Test func `a day reads as it prints, through leap years and centuries`() throws {
        for number in stride(from: Int32(-719_528), through: 2_932_896, by: 97) {
            let day = ArchiveDay(daysSinceEpoch: number)
            #expect(ArchiveDay(day.description) == day)
        }
        #expect(ArchiveDay(unixSeconds: 1_795_132_800)?.description == "20261120")
        #expect(ArchiveDay(year: 2000, month: 2, day: 29)?.description == "20000229")
        #expect(ArchiveDay(year: 1900, month: 2, day: 29) == nil)
        #expect(ArchiveDay(year: 2026, month: 13, day: 1) == nil)
    }

    @Test func `days agree with the system's calendar`() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        for second in stride(from: -2_000_000_000.0, through: 8_000_000_000, by: 86_400 * 333 + 12_345) {
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: second))
            let date = try #require(ArchiveDay(unixSeconds: second)).date
            #expect(date.year == parts.year && date.month == parts.month && date.day == parts.day)
        }
    }

    @Test(arguments: ["2026112", "202611200", "20261131", "20260000", "2026-1-1", "２０２６１１２０", "", "+0261120"])
    func `what is no day is none`(text: String) {
        #expect(ArchiveDay(text) == nil)
    }

    @Test func `times without a day have none`() {
        for seconds in [Double.nan, .infinity, -.infinity, 1e300, -1e300] {
            #expect(ArchiveDay(unixSeconds: seconds) == nil)
        }
        #expect(ArchiveDay(unixNanoseconds: -1).description == "19691231")
        #expect(ArchiveDay(unixNanoseconds: .max) < ArchiveDay(unixNanoseconds: .max).advanced(by: 1))
        #expect(ArchiveDay(daysSinceEpoch: 0).advanced(by: .max).description == "99991231")
    }

    @Test func `a file is named for type and day`() throws {
        let day = try #require(ArchiveDay("20261120"))
        #expect(ArchivePath.fileName(type: "request.sql", day: day) == "request.sql-20261120.bson")
        #expect(ArchivePath.otherFileName(day: day) == "_other-20261120.bson")
        #expect(ArchivePath.folder(logPath: "/var/log/skein/", day: day) == "/var/log/skein/20261120")
        let longest = String(repeating: "é", count: 100)
        #expect(ArchivePath.stem(type: longest) == longest)
    }

    @Test(arguments: [
        "", ".", "..", ".hidden", "a/b", "../../etc/passwd", "a\nb", "nul\u{0}",
        String(repeating: "x", count: 201),
        String(repeating: "🧶", count: 4000), "\u{7F}",
    ])
    func `any text gives a name that stays in its folder`(type: String) throws {
        let day = try #require(ArchiveDay("20261120"))
        let name = ArchivePath.fileName(type: type, day: day)
        #expect(!name.contains("/") && !name.hasPrefix("."))
        #expect(name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        #expect((".\(name).zst.tmp").utf8.count <= 255)
        #expect(name.utf8.count > "-20261120.bson".utf8.count)
        let file = try #require(ArchiveFile(folder: "f", name: name))
        #expect(file.stem == ArchivePath.stem(type: type) && file.day == day && file.form == .plain)
    }

    @Test func `long types that begin alike get different files`() {
        let begin = String(repeating: "x", count: 300)
        #expect(ArchivePath.stem(type: begin + "a") != ArchivePath.stem(type: begin + "b"))
    }

    @Test func `names of every form are understood, others are not`() throws {
        func form(_ name: String) -> ArchiveFile.Form? { ArchiveFile(folder: "", name: name)?.form }
        #expect(form("request-20261120.bson") == .plain)
        #expect(form("request-20261120.bson.zst") == .zipped)
        #expect(form("request-20261120.log") == .ziggy)
        #expect(ArchiveFile(folder: "", name: "a-b-20261120.log")?.stem == "a-b")
        for name in [
            "request.bson", "request-2026112.bson", "-20261120.bson", "request-20261120.txt", ".lock",
            ".request-20261120.bson.zst.tmp", "request-20261320.bson", "request20261120.bson", "zst", "",
        ] {
            #expect(form(name) == nil, "\(name)")
        }
    }

    @Test func `a pattern matches exactly, by prefix, and around stars`() throws {
        func matches(_ pattern: String, _ type: String) throws -> Bool {
            try TypePattern(pattern).matches(type)
        }
        #expect(try matches("request", "request"))
        #expect(try !matches("request", "request.sql"))
        #expect(try matches("request*", "request.sql"))
        #expect(try matches("request*", "request"))
        #expect(try !matches("request*", "reques"))
        #expect(try matches("*", "anything"))
        #expect(try matches("*.sql", "a.b.sql"))
        #expect(try matches("a*b*c", "aXXbYYc"))
        #expect(try matches("a**c", "ac"))
        #expect(try !matches("a*a", "a"))
        #expect(try !matches("ab*ba", "aba"))
        #expect(try !matches("e\u{301}", "é"))
        #expect(throws: ArchiveError.self) { try TypePattern("") }
        #expect(try TypePattern("request*x").prefix == Array("request".utf8))
    }

    @Test func `a pattern keeps every file that may have its types`() throws {
        let long = String(repeating: "x", count: 300)
        #expect(try TypePattern("request").mayBeIn(stem: "request"))
        #expect(try !TypePattern("request").mayBeIn(stem: "request.sql"))
        #expect(try TypePattern("request").mayBeIn(stem: "_other"))
        #expect(try TypePattern(long).mayBeIn(stem: ArchivePath.stem(type: long)))
        #expect(try TypePattern("y*").mayBeIn(stem: ArchivePath.stem(type: long)))
        #expect(try !TypePattern("y*").mayBeIn(stem: "x"))
    }

    @Test func `dates are read to the minute and their end is inclusive`() throws {
        let day = try TimeSpan(startDate: "20261120", endDate: "20261120")
        #expect(day.start == 1_795_132_800 && day.end == 1_795_219_200)
        #expect(
            day.contains(1_795_132_800) && day.contains(1_795_219_199.999) && !day.contains(1_795_219_200))
        #expect(!day.contains(.nan))
        let minute = try TimeSpan(startDate: "20261120 10:05", endDate: "20261120 10:05")
        #expect(minute.end == minute.start.map { $0 + 60 })
        #expect(try TimeSpan(startDate: nil, endDate: nil).isEverything)
        #expect(try TimeSpan(startDate: "20261120T23:59", endDate: nil).start == 1_795_219_140)
    }

    @Test(arguments: [
        "2026-11-20", "20261120 1:05", "20261120 24:00", "20261120 10:60", "20261120 10:05:00", "now", "",
    ])
    func `what is no date is refused with the accepted form`(text: String) {
        let error = #expect(throws: ArchiveError.self) { try TimeSpan(startDate: text, endDate: nil) }
        #expect(error?.message.contains("YYYYMMDD HH:MM") == true)
    }

    @Test func `an end before its start is refused`() {
        #expect(throws: ArchiveError.self) { try TimeSpan(startDate: "20261121", endDate: "20261120") }
    }
}
