import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct GatheringTests {
    private func take(_ gatherer: inout EventGatherer, _ document: BSONDocument, now: Int64 = 0)
        -> [EventGroup]
    {
        document.bytes.withUnsafeBytes { bytes in
            Event(bytes).map { gatherer.take($0, now: now) } ?? []
        }
    }

    private func ids(_ groups: [EventGroup]) -> [String] {
        groups.map { $0.events.first?.withEvent { $0.id ?? "-" } ?? "empty" }
    }

    private let second: Int64 = 1_000_000_000

    @Test func `a group goes when a type without a dot comes`() {
        var gatherer = EventGatherer(.rootType)
        #expect(take(&gatherer, event("request.sql", id: "1")).isEmpty)
        #expect(take(&gatherer, event("request.sql", id: "2")).isEmpty)
        let groups = take(&gatherer, event("request", id: "1"))
        #expect(ids(groups) == ["1"] && groups[0].events.count == 2)
        #expect(ids(gatherer.finish()) == ["2"])
        #expect(gatherer.openGroups == 0)
    }

    @Test func `of a thousand open groups the oldest goes when another comes`() {
        var gatherer = EventGatherer(.rootType)
        for number in 0..<1000 { #expect(take(&gatherer, event("a.b", id: "\(number)")).isEmpty) }
        #expect(ids(take(&gatherer, event("a.b", id: "1000"))) == ["0"])
        #expect(ids(take(&gatherer, event("a.b", id: "1001"))) == ["1"])
        #expect(gatherer.openGroups == 1000)
        // Churn: ids come and go and come again, and memory of them does not grow.
        for round in 0..<5000 {
            _ = take(&gatherer, event("a.b", id: "x\(round % 7)"))
            _ = take(&gatherer, event("a", id: "x\(round % 7)"))
        }
        #expect(gatherer.finish().count <= 1000)
    }

    @Test func `a tree waits a while behind its root, since other services may be late`() {
        var gatherer = EventGatherer(.root)
        #expect(take(&gatherer, event("request", id: "1", span: "a"), now: 0).isEmpty)
        #expect(take(&gatherer, event("request", id: "1", span: "b", parent: "a"), now: second / 2).isEmpty)
        #expect(gatherer.due(now: second).isEmpty)
        let groups = gatherer.due(now: second * 2)
        #expect(ids(groups) == ["1"] && groups[0].events.count == 2)
    }

    @Test func `an id that is never silent is shown in pieces`() {
        var gatherer = EventGatherer(.root)
        var released = 0
        for tenth in 0..<205 {
            let now = Int64(tenth) * second / 10
            _ = take(&gatherer, event("request", id: "1", span: "\(tenth)"), now: now)
            released += gatherer.due(now: now).count
        }
        #expect(released == 2)
    }

    @Test func `a tree whose root does not come is shown after a minute of silence`() {
        var gatherer = EventGatherer(.root)
        _ = take(&gatherer, event("request.sql", id: "1", span: "b", parent: "a"), now: 0)
        #expect(gatherer.due(now: second * 59).isEmpty)
        #expect(ids(gatherer.due(now: second * 61)) == ["1"])
    }

    @Test func `one id cannot fill the memory`() {
        var gatherer = EventGatherer(.root, limits: .init(eventsPerGroup: 10))
        for number in 0..<25 { _ = take(&gatherer, event("a.b", span: "\(number)")) }
        let group = gatherer.finish()[0]
        #expect(group.events.count == 10 && group.omitted == 15)
        #expect(Waterfall(Layout()).lines(of: group).last == "  … and 15 more events of this id, not shown")

        var small = EventGatherer(.root, limits: .init(bytes: 1000))
        var released = 0
        for number in 0..<100 { released += take(&small, event("a.b", id: "\(number)")).count }
        #expect(released >= 90)
    }

    @Test func `a numeric id is no text`() {
        var gatherer = EventGatherer(.rootType)
        var number = event("a.b")
        number["id"] = .int32(7)
        _ = take(&gatherer, number)
        _ = take(&gatherer, event("a.b", id: "7"))
        #expect(gatherer.openGroups == 2)
    }

    /// A request of two services, stored as a collector stores it: each type in its file.
    private func archive(requests: Int) throws -> TestFolder {
        let folder = try TestFolder()
        var files: [String: [BSONDocument]] = [:]
        for number in 0..<requests {
            let id = "id\(number)"
            let at = Double(number)
            files["request", default: []] += [
                event(
                    "request", id: id, at: at + 0.2, for: 0.1, span: "c\(number)", parent: "b\(number)",
                    service: "catalogue"),
                event("request", id: id, at: at, for: 0.5, span: "a\(number)", service: "storefront"),
            ]
            files["request.client", default: []].append(
                event(
                    "request.client", id: id, at: at + 0.1, for: 0.3, span: "b\(number)",
                    parent: "a\(number)", service: "storefront"))
            files["request.sql", default: []].append(
                event(
                    "request.sql", id: id, at: at + 0.25, for: 0.01, span: "d\(number)", parent: "c\(number)",
                    service: "catalogue"))
        }
        for (type, events) in files { try folder.write("20261120/\(type)-20261120.bson", events) }
        return folder
    }

    @Test func `trees over several stored files come whole, whatever their number`() throws {
        let folder = try archive(requests: 1300)
        let outcome = skein("view", "--tree", "-l", folder.path)
        #expect(outcome.code == 0)
        #expect(outcome.lines.count { $0.contains("4 events") } == 1300)
        #expect(!outcome.output.contains("not seen"))
    }

    @Test func `the files of a tree may be given one by one`() throws {
        let folder = try archive(requests: 5)
        let files = try folder.names("20261120").map { folder.path + "/20261120/" + $0 }
        let outcome = run(["view", "--tree"] + files)
        #expect(outcome.lines.count { $0.contains("4 events") } == 5)
        #expect(outcome.lines.count { $0.contains("catalogue request") } == 5)
    }

    @Test func `groups are separated by an empty line, in JSON not at all`() throws {
        let folder = try TestFolder()
        let path = try folder.write(
            "f",
            [
                event("request.sql", id: "1"), event("request.sql", id: "2"), event("request", id: "2"),
                event("request", id: "1"),
                event("lost.child", id: "3"),
            ])
        #expect(
            run(["view", "--group", path]).lines.map { $0.isEmpty ? "" : String($0.split(separator: " ")[2]) }
                == ["request.sql", "request", "", "request.sql", "request", "", "lost.child", "", ""])
        #expect(
            run(["view", "--group", "--fields", "id", path]).lines == ["2", "2", "1", "1", "3", ""])
    }
}
