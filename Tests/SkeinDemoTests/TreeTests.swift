import SkeinBSON
import SkeinHTTP
import SkeinPlatform
import Testing

@testable import SkeinDemo

extension BSONDocument {
    fileprivate func text(_ path: String) -> String? { self[path: path]?.stringValue }

    fileprivate var id: String? { text("id") }
    fileprivate var span: String? { text("span") }
    fileprivate var parent: String? { text("parent") }
    fileprivate var status: Int64? { self[path: "body.response.status"]?.intValue }
    /// `storefront request`.
    fileprivate var name: String { "\(text("service") ?? "") \(text("type") ?? "")" }
}

@Suite struct TreeTests {
    @Test func `one request is one tree across both services, joined by span ids`() throws {
        let services = try Services()
        let answer = try services.get("/depends/app?depth=3")
        #expect(answer.status == 200)
        let levels = try ExtendedJSON.decode(answer.text)["levels"]?.arrayValues?.map { level in
            level.arrayValues?.compactMap(\.stringValue)
        }
        #expect(levels == [["liba", "libb-alternative"], ["libc"], ["gone"]])
        let (ends, events) = try services.end()
        #expect(ends == [.exited(0), .exited(0)])

        let root = try #require(events.first { $0.name == "storefront request" })
        let tree = events.filter { $0.id == root.id }
        #expect(root.parent == nil)
        #expect(root.id?.utf8.count == 32)
        let bySpan = Dictionary(grouping: tree) { $0.span ?? "" }
        #expect(bySpan.count == tree.count)
        for event in tree where event.span != root.span {
            let parent = try #require(bySpan[event.parent ?? ""]?.first)
            let expected =
                switch event.name {
                case "storefront request.http": "storefront request"
                case "catalogue request": "storefront request.http"
                case "catalogue request.sql": "catalogue request"
                default: "?"
                }
            #expect(parent.name == expected)
            let isInside =
                (event["start"]?.doubleValue ?? 0) >= (parent["start"]?.doubleValue ?? 0) - 0.001
                && (event["end"]?.doubleValue ?? 0) <= (parent["end"]?.doubleValue ?? 0) + 0.001
            #expect(isInside)
        }
        // app, then liba and libb-alternative, then libc: a call for each level.
        let counts = Dictionary(grouping: tree, by: \.name).mapValues(\.count)
        #expect(
            counts == [
                "storefront request": 1, "storefront request.http": 3, "catalogue request": 3,
                "catalogue request.sql": 6,
            ])
        #expect(root[path: "body.packages"]?.intValue == 4)
        #expect(root.text("body.route") == "/depends/:name")
        let sql = try #require(tree.first { $0.name == "catalogue request.sql" })
        #expect(sql.text("body.query")?.hasPrefix("SELECT") == true)
        #expect(sql[path: "body.rows"]?.intValue != nil)
        #expect(sql[path: "body.time"]?.doubleValue != nil)
    }

    @Test func `a package that is not there is an error in both services and a 404 outside`() throws {
        let services = try Services()
        #expect(try services.get("/package/nothing%20like%2Fthis").status == 404)
        #expect(try services.get("/depends/nothing").status == 404)
        let (_, events) = try services.end()
        let roots = events.filter { $0.name == "storefront request" }
        #expect(roots.count == 2)
        #expect(roots.allSatisfy { $0.text("error.type") == "NoSuchPackage" && $0.status == 404 })
        let inside = events.first {
            $0.name == "catalogue request" && $0.text("error.type") == "NoSuchPackage"
        }
        #expect(inside?.status == 404)
        #expect(roots.contains { $0.id == inside?.id })
        #expect(inside?.text("error.message") == "no package nothing like/this is installed")
    }

    @Test(arguments: [
        ("/search", "the query has no q"), ("/search?q=x", "q has 1 characters; 2 to 64 are taken"),
        ("/search?q=lib&limit=no", "limit is `no`; a number from 1 to 200 is taken"),
        ("/depends/app?depth=11", "depth is `11`; a number from 1 to 10 is taken"),
    ])
    func `a bad query is a 400 that says what is wrong, and never leaves the storefront`(
        target: String, message: String
    ) throws {
        let services = try Services()
        let answer = try services.get(target)
        #expect(answer.status == 400)
        #expect(try ExtendedJSON.decode(answer.text)["error"]?.stringValue == message)
        let (_, events) = try services.end()
        let requests = events.filter { $0.text("type")?.hasPrefix("request") == true }
        #expect(requests.map(\.name) == ["storefront request"])
        #expect(requests.first?.text("error.type") == "BadQuery")
        #expect(requests.first?.text("error.message") == message)
        #expect(requests.first?.status == 400)
    }

    @Test func `a caller's own traceparent is continued`() throws {
        let services = try Services()
        let trace = "0af7651916cd43dd8448eb211c80319c"
        _ = try services.get("/package/app", headers: ["traceparent": "00-\(trace)-b7ad6b7169203331-01"])
        let (_, events) = try services.end()
        let requests = events.filter { $0.text("type")?.hasPrefix("request") == true }
        #expect(requests.count == 8)
        #expect(requests.allSatisfy { $0.id == trace })
        #expect(requests.first { $0.name == "storefront request" }?.parent == "b7ad6b7169203331")
    }

    @Test func `searching takes every character as itself`() throws {
        let services = try Services()
        let names = { (query: String) in
            let answer = try services.get("/search?q=" + PercentCoding.encode(query))
            return try ExtendedJSON.decode(answer.text)["packages"]?.arrayValues?.compactMap {
                $0.documentValue?["name"]?.stringValue
            }
        }
        #expect(try names("lib") == ["liba", "libb-alternative", "libc"])
        #expect(try names("100%") == ["app"])
        #expect(try names("%%") == [])
        #expect(try names("__") == [])
        #expect(try names("' OR 1=1 --") == [])
        #expect(try services.get("/search?q=lib", method: "POST").status == 405)
        #expect(try services.get("/").status == 404)
        _ = try services.end()
    }

    @Test func `a catalogue that is away is a 502, and the storefront goes on`() throws {
        let services = try Services()
        services.endCatalogue()
        #expect(try services.get("/package/app").status == 502)
        #expect(try services.get("/search").status == 400)
        let (_, events) = try services.end()
        let root = events.first { $0.name == "storefront request" }
        #expect(root?.text("error.type") == "CatalogueUnavailable")
        #expect(
            events.first { $0.name == "storefront request.http" }?.text("error.type")
                == "CatalogueUnavailable")
    }
}
