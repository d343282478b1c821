import Foundation
import SkeinBSON
import SkeinPlatform
import Testing

extension IntegrationTests {
    /// The demo's two services and a collector, four processes with the asking one, read by Python.
    @Suite struct Demo {
        static let packages = """
            Package: app
            Status: install ok installed
            Version: 1.0
            Depends: library
            Description: an app

            Package: library
            Status: install ok installed
            Version: 2.0
            Depends: base
            Description: its library

            Package: base
            Status: install ok installed
            Version: 3.0
            Description: what both stand on
            """

        @Test func `two services make one tree with one id, joined by span ids`() async throws {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let endpoint = try "127.0.0.1:\(daemon.port("deliver"))"
            let catalogue = try await Service.catalogue(in: daemon.folder, endpoint: endpoint)
            let storefront = try await Service.start(
                "storefront", ["--catalogue", catalogue.url, "--endpoint", endpoint])
            let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
            let request = "traceparent=00-\(trace)-00f067aa0ba902b7-01"
            #expect(try await status("fetch", storefront.url + "/depends/app?depth=3", request) == 200)
            #expect(try await status("fetch", storefront.url + "/package/nothing") == 404)
            #expect(try await status("fetch", storefront.url + "/search?q=") == 400)
            for service in [storefront, catalogue] {
                service.program.signal(SIGTERM)
                #expect(try await service.program.end() == 0, "\(service.program.errors.text)")
            }
            try await daemon.finish()

            let files = daemon.folder.files(below: "data/files").filter { $0.hasSuffix(".bson") }
                .map { "\(daemon.folder.path)/data/files/\($0)" }
            let all = try await PythonClient.run(["decode"] + files)
            let tree = all.filter { $0["id"]?.stringValue == trace }
            #expect(Set(tree.compactMap { $0["service"]?.stringValue }) == ["storefront", "catalogue"])
            #expect(Set(tree.compactMap { $0["pid"]?.intValue }).count == 2)

            // The caller's span is the root's parent; every other parent is a span of the tree.
            let spans = Dictionary(
                uniqueKeysWithValues: tree.compactMap { event in
                    event["span"]?.stringValue.map { ($0, event) }
                })
            #expect(spans.count == tree.count)
            let roots = tree.filter { spans[$0["parent"]?.stringValue ?? ""] == nil }
            #expect(roots.count == 1)
            #expect(roots.first?["parent"] == "00f067aa0ba902b7")
            #expect(roots.first?["service"] == "storefront")
            // The catalogue's requests hang on the storefront's calls, its queries on them.
            var crossings = 0
            for event in tree {
                guard let parent = spans[event["parent"]?.stringValue ?? ""] else { continue }
                switch (event["service"]?.stringValue, event["type"]?.stringValue) {
                case ("catalogue", "request"):
                    #expect(parent["service"] == "storefront")
                    #expect(parent["type"] == "request.http")
                    crossings += 1
                case ("catalogue", "request.sql"):
                    #expect(parent["type"] == "request")
                    #expect(parent["service"] == "catalogue")
                default:
                    #expect(parent["service"] == "storefront")
                }
            }
            #expect(crossings == 3)

            let failed = all.filter {
                $0[path: "body.path"] == "/package/nothing" && $0["service"] == "storefront"
            }
            #expect(failed.count == 1)
            #expect(failed.first?[path: "body.response.status"]?.intValue == 404)
            #expect(failed.first?[path: "error.type"]?.stringValue != nil)
        }

        @Test func `what a killed service had closed is delivered by its next start`() async throws {
            let folder = try TemporaryFolder()
            let port = try FreePort.find()
            let endpoint = "127.0.0.1:\(port)"
            let spool = ["--spool", folder.path + "/spool"]
            let first = try await Service.catalogue(in: folder, endpoint: endpoint, spool)
            for _ in 0..<3 { try await PythonClient.run("fetch", first.url + "/packages/app") }
            first.program.signal(SIGKILL)
            #expect(try await first.program.end() == -SIGKILL)

            let daemon = try await Daemon.start(in: folder, ports: ["deliver": port])
            let second = try await Service.catalogue(in: folder, endpoint: endpoint, spool)
            #expect(try await status("fetch", second.url + "/packages/base") == 200)
            #expect(try await status("fetch", second.url + "/flush", "METHOD=POST") == 200)
            second.program.signal(SIGTERM)
            #expect(try await second.program.end() == 0)
            try await daemon.finish()

            let files = daemon.storedFiles(of: "request").map { "\(folder.path)/data/files/\($0)" }
            let requests = try await PythonClient.run(["decode"] + files)
            let paths = requests.compactMap { $0[path: "body.path"]?.stringValue }.sorted()
            #expect(paths == ["/packages/app", "/packages/app", "/packages/app", "/packages/base"])
            #expect(Set(requests.compactMap { $0["pid"]?.intValue }).count == 2)
        }

        private func status(_ arguments: String...) async throws -> Int64? {
            try await PythonClient.run(arguments).first?["status"]?.intValue
        }

        /// One of the demo's services as a program.
        struct Service {
            var program: RunningProgram
            var url: String

            static func start(_ name: String, _ arguments: [String]) async throws -> Service {
                let program = try RunningProgram(
                    [Products.path(of: "skein-demo"), name, "--listen", "127.0.0.1:0"] + arguments)
                let line = try await program.output.first { $0.contains("listens on http://") }
                let url = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") })
                return Service(program: program, url: String(url))
            }

            static func catalogue(
                in folder: TemporaryFolder, endpoint: String, _ more: [String] = []
            ) async throws -> Service {
                try folder.write(packages.utf8, to: "status")
                return try await start(
                    "catalogue",
                    [
                        "--status-file", folder.path + "/status", "--database", folder.path + "/catalogue.db",
                        "--endpoint", endpoint,
                    ] + more)
            }
        }
    }
}
