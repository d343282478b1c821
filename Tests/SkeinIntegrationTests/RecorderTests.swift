import Skein
import SkeinBSON
import Testing

extension IntegrationTests {
    /// What our SDK sends, read by a program in Python that knows only Ziggy's protocol.
    @Suite struct Recorders {
        @Test(arguments: ["push://127.0.0.1:", "127.0.0.1:", "tcp://127.0.0.1:"])
        func `a Ziggy daemon reads what the SDK pushes`(endpoint: String) async throws {
            let daemon = try PythonClient.start("collect", "3")
            let port = try await daemon.output.first { Int($0) != nil }
            let warnings = LineLog(name: "warnings")
            var configuration = EventPipeline.Configuration(endpoint: endpoint + port, service: "checkout")
            configuration.onWarning = { warnings.append("\($0)\n".utf8) }
            let pipeline = try EventPipeline(configuration)

            pipeline.withContext("request") { context in
                context["response.status"] = 200
                context["text"] = "Käse"
                context["sizes"] = [1, 2, 3]
                withContext(".sql") { sql in sql.add("rows", 3) }
            }
            #expect(throws: Broken.self) {
                try pipeline.withContext("job") { _ in throw Broken() }
            }
            #expect(try await daemon.end() == 0)
            await pipeline.shutdown()

            let events = try PythonClient.documents(daemon.output.lines.dropFirst())
            #expect(events.map { $0["type"]?.stringValue } == ["request.sql", "request", "job"])
            for event in events {
                #expect(event.keys.starts(with: ["id", "type", "host", "pid", "start", "end", "body"]))
                #expect(event["service"] == "checkout")
            }
            #expect(events[1]["body"]?.documentValue?[path: "response.status"] == .int64(200))
            #expect(events[1][path: "body.text"] == "Käse")
            #expect(events[0]["id"] == events[1]["id"])
            #expect(events[0]["parent"] == events[1]["span"])
            #expect(events[2][path: "error.type"]?.stringValue?.contains("Broken") == true)
            // An endpoint that did not say which kind it is was found out to be a collect port: said once.
            let named = warnings.lines.filter { $0.contains("3515") }
            #expect(named.count == (endpoint.hasPrefix("push") ? 0 : 1), "\(warnings.lines)")
        }

        @Test func `the file recorder's file is plain BSON`() async throws {
            let folder = try TemporaryFolder()
            let pipeline = try EventPipeline(.init(endpoint: "file://\(folder.path)/events.bson"))
            for number in 0..<100 {
                pipeline.withContext("job") { context in context["number"] = number }
            }
            #expect(await pipeline.flush())
            await pipeline.shutdown()
            let events = try await PythonClient.run("decode", "\(folder.path)/events.bson")
            #expect(events.map { $0[path: "body.number"]?.intValue } == (0..<100).map(Optional.some))
        }

        struct Broken: Error {}
    }
}
