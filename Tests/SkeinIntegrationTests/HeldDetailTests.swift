import Foundation
import Skein
import SkeinBSON
import SkeinPlatform
import SkeinTesting
import SkeinZeroMQ
import Testing

extension IntegrationTests {
    /// Detail that is held back, with real collectors and killed processes.
    @Suite struct HeldDetail {
        private struct Failure: Error {}

        // MARK: In the files

        @Test func `of 1,000 requests at once the detail of those that fail is in the files, in order`()
            async throws
        {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            let pipeline = try EventPipeline(
                .init(endpoint: "deliver://127.0.0.1:\(daemon.port("deliver"))", service: "shop"))
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<1_000 {
                    group.addTask { await Self.request(number, fails: number % 10 == 0, pipeline) }
                }
            }
            #expect(await pipeline.flush(timeout: .seconds(30)))
            let statistics = pipeline.statistics
            #expect(statistics.created == 1_000 * 11)
            #expect(statistics.held == 900 * 10)
            #expect(statistics.heldNow == 0)
            #expect(statistics.acknowledged == 1_000 + 100 * 10)
            #expect(
                statistics.created == statistics.acknowledged + statistics.held + statistics.inFlight
                    + statistics.dropped.values.reduce(0, +))
            await pipeline.shutdown()
            _ = try await daemon.ask("FLUSH")
            try await daemon.finish()
            let steps = try Self.events("request.step", in: daemon)
            let requests = try Self.events("request", in: daemon)
            #expect(requests.count == 1_000)
            #expect(steps.count == 1_000)
            let byTree = Dictionary(grouping: steps, by: \.id)
            for request in requests {
                let number = try #require(request["n"]?.intValue)
                let own = (byTree[request.id] ?? []).compactMap { $0["step"]?.intValue }
                #expect(own == (number % 10 == 0 ? Array(0..<10) : []))
            }
        }

        private static func request(_ number: Int, fails: Bool, _ pipeline: EventPipeline) async {
            try? await pipeline.withContext("request", keep: .onError) { request async throws in
                request["n"] = number
                for step in 0..<10 {
                    await withContext(".step") { context async in
                        context["step"] = step
                        await Task.yield()
                    }
                }
                if fails { throw Failure() }
            }
        }

        // MARK: Across services

        @Test func `an error in one service lets go what the other holds, also a little later`() async throws
        {
            let daemon = try await Daemon.start(in: TemporaryFolder())
            func service(_ name: String, _ releases: String) throws -> EventPipeline {
                var configuration = EventPipeline.Configuration(
                    endpoint: "deliver://127.0.0.1:\(try daemon.port("deliver"))", service: name)
                configuration.releaseAcrossServices = true
                configuration.releaseEndpoint = releases
                return try EventPipeline(configuration)
            }
            let front = try service("front", "tcp://127.0.0.1:\(daemon.port("control"))")
            let back = try service("back", "stream://127.0.0.1:\(daemon.port("stream"))")
            let keep = Keep(linger: .seconds(60))

            // A probe first: until the back hears of releases, which nobody tells it.
            let deadline = ContinuousClock.now + .seconds(30)
            while back.statistics.acknowledged < 2, .now < deadline {
                try? front.withContext("probe", keep: keep) { probe in
                    Self.call(probe, back, "probe.back", keep)
                    throw Failure()
                }
                _ = await front.flush()
                _ = await back.flush()
            }
            let probed = back.statistics.acknowledged
            #expect(probed >= 2)

            // 1,000 requests at once; each calls the back, which ends well; then one in ten fails in front.
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<1_000 {
                    group.addTask {
                        try? await front.withContext("request", keep: keep) { request async throws in
                            request["n"] = number
                            await withContext(".step") { step async in await Task.yield() }
                            Self.call(request, back, "request.back", keep)
                            await Task.yield()
                            if number % 10 == 0 { throw Failure() }
                        }
                    }
                }
            }
            _ = await front.flush(timeout: .seconds(30))
            // What was asked for comes when the collector has passed it on.
            while .now < deadline, try Self.events("request.back.step", in: daemon).count < 300 {
                _ = await back.flush(timeout: .seconds(30))
                _ = try await daemon.ask("FLUSH")
            }
            let statistics = back.statistics
            #expect(statistics.heldNow >= 900 * 3)
            await front.shutdown()
            await back.shutdown()
            _ = try await daemon.ask("FLUSH")
            try await daemon.finish()
            let failed = Set(
                try Self.events("request", in: daemon).filter { $0.errorType != nil }.map(\.id))
            #expect(failed.count == 100)
            let asked = try Self.events("skein.release", in: daemon).filter { failed.contains($0.id) }
            #expect(asked.count == 100)
            #expect(asked.allSatisfy { $0["id"]?.stringValue == $0.id })
            let steps = try Self.events("request.back.step", in: daemon)
            #expect(Set(steps.map(\.id)) == failed)
            for (_, own) in Dictionary(grouping: steps, by: \.id) {
                #expect(own.compactMap { $0["step"]?.intValue } == [0, 1, 2])
            }
            #expect(try Self.events("request.back", in: daemon).count == 1_000)
        }

        /// The other service's part of a request.
        private static func call(
            _ caller: Context, _ other: EventPipeline, _ type: String, _ keep: Keep
        ) {
            var headers: [String: String] = [:]
            caller.inject(into: &headers)
            if type == "probe.back" {
                withContext("probe.back", continuing: headers, keep: keep, pipeline: other) { _ in
                    withContext(".step") { _ in }
                }
            } else {
                withContext("request.back", continuing: headers, keep: keep, pipeline: other) { _ in
                    for step in 0..<3 { withContext(".step") { $0["step"] = step } }
                }
            }
        }

        @Test func `messages that make no sense let nothing go, and are counted`() async throws {
            let context = try ZMQContext()
            let publisher = try ZMQSocket(.xpub, in: context)
            let endpoint = try publisher.bind("tcp://127.0.0.1:0")
            var configuration = EventPipeline.Configuration(endpoint: "deliver://127.0.0.1:9")
            configuration.releaseAcrossServices = true
            configuration.releaseEndpoint = "stream://" + endpoint.dropFirst("tcp://".count)
            let pipeline = try EventPipeline(configuration)
            let id = "4bf92f3577b34da6a3ce929d0e0e4736"
            pipeline.withContext("request", id: id, keep: Keep(linger: .seconds(60))) { _ in
                withContext(".step") { _ in }
            }
            // The subscription.
            _ = try publisher.receive(wait: true)
            let bad: [[[UInt8]]] = [
                [Array("skein.release".utf8)],
                [Array("skein.release".utf8), []],
                [Array("skein.release".utf8), [5, 0, 0, 0, 0]],
                [Array("skein.release".utf8), BSONDocument([("type", .string("skein.release"))]).bytes],
                [
                    Array("skein.release".utf8),
                    (["type": "skein.release", "body": ["id": .int32(5)]] as BSONDocument).bytes,
                ],
                [
                    Array("skein.release".utf8),
                    (["type": "skein.release", "body": ["id": .string(String(repeating: "x", count: 5_000))]]
                        as BSONDocument).bytes,
                ],
                [
                    Array("skein.release".utf8),
                    (["type": "skein.release", "body": ["id": .string(id)]] as BSONDocument).bytes, [1],
                ],
            ]
            for frames in bad { _ = try publisher.sendMultipart(frames) }
            // Another id, another type: sensible, but nothing of ours.
            for (type, id) in [("skein.release", "nobody's"), ("skein.releases", id)] {
                _ = try publisher.sendMultipart([
                    Array(type.utf8),
                    (["type": .string(type), "body": ["id": .string(id)]] as BSONDocument).bytes,
                ])
            }
            let deadline = ContinuousClock.now + .seconds(20)
            while pipeline.statistics.badReleases < bad.count, .now < deadline { await Task.yield() }
            #expect(pipeline.statistics.badReleases == bad.count)
            #expect(pipeline.statistics.heldNow == 1)
            _ = try publisher.sendMultipart([
                Array("skein.release".utf8),
                (["type": "skein.release", "body": ["id": .string(id)]] as BSONDocument).bytes,
            ])
            while pipeline.statistics.heldNow > 0, .now < deadline { await Task.yield() }
            #expect(pipeline.statistics.inFlight == 2)
            await pipeline.shutdown(timeout: .zero)
            publisher.close()
            context.shutdown()
        }

        // MARK: A crash is the error

        @Test func `a killed process: what ended has its verdict, what was open is let go, nothing twice`()
            async throws
        {
            let program = try Products.path(of: "SkeinForkProgram")
            let parts = 20
            for round in 0..<8 {
                let folder = try TemporaryFolder()
                let spool = folder.path + "/spool"
                let running = try RunningProgram([
                    program, "deliver://127.0.0.1:9", spool, "\(parts)", "held",
                ])
                let wanted = 5 + round * 17
                _ = try await running.output.first { Int($0).map { $0 >= wanted } ?? false }
                running.signal(SIGKILL)
                #expect(try await running.end() == -SIGKILL)
                let told = running.output.text.split(separator: "\n").compactMap { Int($0) }.max() ?? -1

                let file = folder.path + "/events.bson"
                let pipeline = try EventPipeline(.init(endpoint: "file://\(file)", spool: spool))
                // The second comes behind whatever recovery appended.
                #expect(await pipeline.flush(timeout: .seconds(30)))
                #expect(await pipeline.flush(timeout: .seconds(30)))
                await pipeline.shutdown()
                let events = try Self.documents(file)
                let roots = Dictionary(
                    grouping: events.filter { $0.type == "kept" }, by: { $0["n"]?.intValue ?? -1 })
                let details = Dictionary(
                    grouping: events.filter { $0.type == "kept.part" }, by: { $0["n"]?.intValue ?? -1 })
                for number in 0...Int64(told) {
                    #expect(roots[number]?.count == 1, "\(number) of \(told)")
                    let own = details[number]?.compactMap { $0["part"]?.intValue } ?? []
                    #expect(own == (number % 2 == 1 ? Array(0..<Int64(parts)) : []), "\(number) of \(told)")
                }
                // The one that was on its way: what had closed, in order and once; then perhaps one that was open; the root.
                let last = Int64(told) + 1
                let own = details[last]?.compactMap { $0["part"]?.intValue } ?? []
                #expect(own == Array(0..<Int64(own.count)), "\(own)")
                #expect((roots[last]?.count ?? 0) <= 1)
                if let root = roots[last]?.first, root.errorType == "abandoned" {
                    let places = events.indices.filter {
                        events[$0].span == root.span || events[$0].parent == root.span
                    }
                    #expect(places.count == own.count + 1 || places.count == own.count + 2)
                }
                #expect(details.keys.allSatisfy { $0 <= last })
                #expect(events.filter { $0.type == "skein.process" }.count == 1)
                #expect(Set(events.map(\.span)).count == events.count)
            }
        }

        @Test func `an orderly end lets nothing go`() async throws {
            let folder = try TemporaryFolder()
            let spool = folder.path + "/spool"
            let pipeline = try EventPipeline(.init(endpoint: "deliver://127.0.0.1:9", spool: spool))
            let root = Context.open("request", keep: .onError, pipeline: pipeline)
            root.run { withContext(".step") { _ in } }
            #expect(pipeline.statistics.heldNow == 1)
            await pipeline.shutdown(timeout: .milliseconds(200))
            root.finish()
            let file = folder.path + "/events.bson"
            let next = try EventPipeline(.init(endpoint: "file://\(file)", spool: spool))
            _ = await next.flush()
            _ = await next.flush()
            await next.shutdown()
            #expect(try Self.documents(file).allSatisfy { $0.type != "request.step" })
        }

        // MARK: Reading

        private static func events(_ type: String, in daemon: Daemon) throws -> [RecordedEvent] {
            try daemon.storedFiles(of: type).flatMap {
                try documents(in: daemon.folder.bytes(of: "data/files/\($0)"))
            }
        }

        private static func documents(_ path: String) throws -> [RecordedEvent] {
            guard FileManager.default.fileExists(atPath: path) else { return [] }
            return try documents(in: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        }

        private static func documents(in bytes: [UInt8]) throws -> [RecordedEvent] {
            var rest = bytes[...]
            var events: [RecordedEvent] = []
            while rest.count >= 4 {
                let size = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
                events.append(RecordedEvent(try BSONDocument(validating: rest.prefix(size))))
                rest = rest.dropFirst(size)
            }
            return events
        }
    }
}
