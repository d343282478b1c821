import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

@testable import SkeinTool

@Suite struct TreeTests {
    /// Labels of the rows, with their depth.
    private func shape(_ events: [BSONDocument]) -> [String] {
        let kept = events.compactMap { document in
            document.bytes.withUnsafeBytes { Event($0).map { KeptEvent($0) } }
        }
        let tree = EventTree(kept.map { $0.withEvent { EventTree.Node($0) } })
        return tree.rows.map { row in
            let name: String
            switch (row.event, row.note) {
            case (let index?, .cycle): name = kept[index].withEvent { $0.type } + " (cycle)"
            case (let index?, _): name = kept[index].withEvent { $0.type }
            case (nil, .notSeen(let missing)): name = "? " + missing
            default: name = "?"
            }
            return String(repeating: " ", count: row.depth) + name
        }
    }

    @Test func `children stand under their parents in the order in which they began`() {
        #expect(
            shape([
                event("request.sql", at: 0.03, span: "d", parent: "b"),
                event("request.sql", at: 0.02, span: "c", parent: "b"),
                event("request.render", at: 0.05, span: "e", parent: "a"),
                event("request.client", at: 0.01, span: "b", parent: "a"),
                event("request", span: "a"),
            ]) == ["request", " request.client", "  request.sql", "  request.sql", " request.render"])
    }

    @Test func `a parent that is missing has a row that says so`() {
        #expect(
            shape([
                event("request.sql", at: 0.02, span: "c", parent: "lost"),
                event("request.sql", at: 0.03, span: "d", parent: "lost"),
                event("request", at: 0.01, span: "a"), event("x", at: 0.5, span: "e", parent: "other"),
            ]) == ["request", "? span lost", " request.sql", " request.sql", "? span other", " x"])
    }

    @Test func `events without spans are joined by type and time`() {
        #expect(
            shape([
                event("request.sql", at: 0.01), event("request.sql", at: 1.01),
                event("request.sql.retry", at: 1.012, for: 0.001),
                event("request", at: 0, for: 0.5), event("request", at: 1, for: 0.5),
                event("job.step", at: 2),
            ]) == [
                "request", " request.sql", "request", " request.sql", "  request.sql.retry", "? job",
                " job.step",
            ])
    }

    @Test func `circles are cut, and every event is shown once`() {
        #expect(shape([event("a", span: "1", parent: "1")]) == ["a (cycle)"])
        #expect(
            shape([
                event("a", at: 0, span: "1", parent: "3"), event("b", at: 1, span: "2", parent: "1"),
                event("c", at: 2, span: "3", parent: "2"), event("d", at: 3, span: "4", parent: "3"),
            ]) == ["a (cycle)", " b", "  c", "   d"])
    }

    @Test func `two events of one span are both shown, children go to the first`() {
        #expect(
            shape([
                event("a", at: 0, span: "1"), event("a", at: 1, span: "1"),
                event("b", at: 2, span: "2", parent: "1"),
            ]) == ["a", " b", "a"])
    }

    @Test func `any web of parents is laid out once and ends`() {
        var random = FastRandom(seed: 5)
        for _ in 0..<60 {
            let count = Int.random(in: 1...60, using: &random)
            let events = (0..<count).map { index in
                event(
                    "t\(index)", at: Double.random(in: 0...1, using: &random),
                    span: "\(Int.random(in: 0...count, using: &random))",
                    parent: Bool.random(using: &random) ? "\(Int.random(in: 0...count, using: &random))" : nil
                )
            }
            let names = shape(events).map { $0.drop { $0 == " " } }.filter { !$0.hasPrefix("?") }
            #expect(Set(names.map { $0.split(separator: " ")[0] }).count == count)
            #expect(names.count == count)
        }
    }

    @Test func `a chain of thousands is shown, its depth within bounds`() {
        let chain = (0..<5000).map {
            event("t", at: Double($0), span: "\($0)", parent: $0 == 0 ? nil : "\($0 - 1)")
        }
        let rows = shape(chain)
        #expect(rows.count == 5000)
        #expect(rows.map { $0.prefix { $0 == " " }.count }.max() == EventTree.mostDepth)
    }

    private func waterfall(_ events: [BSONDocument], _ layout: Layout = Layout()) -> [String] {
        var group = EventGroup()
        group.events = events.compactMap { document in
            document.bytes.withUnsafeBytes { Event($0).map { KeptEvent($0) } }
        }
        return Waterfall(layout).lines(of: group)
    }

    @Test func `a waterfall has bars on one axis, durations, errors and fields`() {
        let lines = waterfall([
            event(
                "request.client", at: 0.030, for: 0.090, span: "b", parent: "a", service: "storefront",
                body: ["url": "http://c/"]),
            event(
                "request", at: 0.040, for: 0.060, span: "c", parent: "b", service: "catalogue",
                body: ["status": 200]),
            event(
                "request.sql", at: 0.050, for: 0.030, span: "d", parent: "c", service: "catalogue",
                body: ["row_count": 12, "query": "SELECT 1"]),
            event(
                "request.render", at: 0.125, for: 0.025, span: "e", parent: "a", service: "storefront",
                error: ["type": "TemplateError", "message": "none\u{1B}"]),
            event(
                "request", for: 0.160, span: "a", service: "storefront",
                body: ["extra": "z", "path": "/search", "method": "GET"]),
        ])
        #expect(
            lines == [
                "6b0067af9c1d7e2243b0a1f25dd0e1c3  2026-11-20 15:27:43.000Z  160 ms  5 events, 1 error  catalogue, storefront  a.example",
                "  storefront request    ████████████████████████████████   160 ms  method=GET  path=/search  extra=z",
                "  ├ .client             ······██████████████████········    90 ms  url=http://c/",
                "  │ └ catalogue request ········████████████············    60 ms  status=200",
                "  │   └ .sql            ··········██████················    30 ms  query=\"SELECT 1\"  row_count=12",
                "  └ .render             ·························█████··    25 ms  ✗ TemplateError: none\\x1B",
            ])
    }

    @Test func `hostile times draw something and trap nothing`() {
        for (start, end) in [
            (0.0, 0.0), (-1e308, 1e308), (.nan, 1), (.infinity, -.infinity), (1e18, -1e18), (5, 1),
            (1.7976931348623157e308, -1.7976931348623157e308),
        ] {
            let wild: BSONDocument = [
                "id": "x", "type": "wild", "start": .double(start), "end": .double(end), "span": "1",
                "body": [:],
            ]
            let none: BSONDocument = ["id": "x", "type": "none", "span": "2", "parent": "1"]
            for width in [nil, 20, 80] {
                var layout = Layout()
                layout.width = width
                let lines = waterfall([wild, event("request", id: "x", span: "0"), none], layout)
                #expect(lines.count == 4)
            }
        }
    }

    @Test func `a terminal without UTF-8 is drawn for in ASCII`() {
        let console = Console(output: OutputSink(), errors: OutputSink())
        console.environment = ["LC_ALL": "C"]
        #expect(Layout(console, noColor: false).isASCII)
        console.environment = ["LANG": "C.UTF-8"]
        #expect(!Layout(console, noColor: false).isASCII)
        console.environment = [:]
        var layout = Layout(console, noColor: false)
        #expect(!layout.isASCII)
        layout.isASCII = true
        layout.width = 60
        let lines = waterfall(
            [
                event("a", span: "1"),
                event(
                    "a.b", span: "2", parent: "1",
                    error: ["type": "E", "message": .string(String(repeating: "m", count: 99))]),
            ], layout)
        #expect(lines.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
    }
}
