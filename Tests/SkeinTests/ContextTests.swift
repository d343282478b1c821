import Skein
import SkeinBSON
import SkeinTesting
import SkeinWire
import Testing

struct Refused: Error, CustomStringConvertible {
    var description: String { "the card was refused" }
}

@Suite struct ContextTests {
    @Test func `an event has the keys of the event document in order`() throws {
        let recorder = try TestRecorder { $0.service = "checkout" }
        recorder.withContext("request") { $0["n"] = 1 }
        let document = try #require(recorder.events.first).document
        #expect(document.keys == ["id", "type", "host", "pid", "start", "end", "body", "span", "service"])
        #expect(try BSONDocument(validating: document.bytes) == document)
        #expect(TraceID(hex: document["id"]?.stringValue ?? "") != nil)
        #expect(document["service"] == "checkout")
        #expect(document["pid"]?.intValue ?? 0 > 0)
    }

    @Test func `names join the current context, the outermost, or begin a tree`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            withContext("request") { outer in
                withContext(".handler") { middle in
                    withContext(".sql") { #expect($0.id == outer.id) }
                    withContext("^.cache") { #expect($0.type == "request.cache") }
                    withContext("other") { #expect($0.id != middle.id) }
                }
            }
            withContext(".alone") { #expect($0.type == "alone") }
        }
        let tree = try #require(recorder.tree("request"))
        #expect(tree.shape == "request(request.handler(request.handler.sql),request.cache)")
        #expect(recorder.tree("other") != nil)
        #expect(recorder.tree("alone") != nil)
        #expect(Set(tree.all.map(\.id)).count == 1)
    }

    @Test func `computed types and keys work as literal ones do`() throws {
        let recorder = try TestRecorder()
        let name = ["job", "import"].joined(separator: ".")
        recorder.bind {
            withContext(dynamic: name) { context in
                context[dynamic: "row.count"] = 7
                context.add(dynamic: "row.count", 3)
                withContext(dynamic: ".step") { $0["x"] = true }
            }
        }
        let tree = try #require(recorder.tree("job.import"))
        #expect(tree.event["row.count"] == .int64(10))
        #expect(tree.child("job.import.step")?.event["x"] == .bool(true))
    }

    @Test func `an error that leaves the closure is recorded and goes on, typed`() throws {
        let recorder = try TestRecorder()
        #expect(throws: Refused.self) {
            try recorder.withContext("pay") { _ throws(Refused) in throw Refused() }
        }
        let event = try #require(recorder.events.first)
        #expect(event.errorType == "Refused")
        #expect(event.errorMessage == "the card was refused")
    }

    @Test func `a cancelled task's context tells of it`() async throws {
        let recorder = try TestRecorder()
        let task = Task {
            try await recorder.withContext("wait") { _ in
                while true {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
        task.cancel()
        _ = await task.result
        #expect(recorder.events.first?.errorType == "CancellationError")
    }

    @Test func `time is written when its body throws, too`() throws {
        let clock = ManualClock()
        let recorder = try TestRecorder(clock: clock)
        try? recorder.withContext("query") { context in
            try context.time("query_time") {
                clock.advance(by: .milliseconds(250))
                throw Refused()
            }
        }
        let event = try #require(recorder.events.first)
        #expect(event["query_time"]?.doubleValue == 0.25)
        #expect(abs(event.elapsed - 0.25) < 1e-6)
    }

    @Test(arguments: [-86_400, 86_400])
    func `a clock stepped by a day gives no negative duration, nor one of a day`(seconds: Int64) throws {
        let clock = ManualClock()
        let recorder = try TestRecorder(clock: clock)
        recorder.withContext("outer") { outer in
            clock.advance(by: .seconds(1))
            outer.time("step_time") {
                clock.step(by: .seconds(seconds))
                clock.advance(by: .milliseconds(500))
            }
            withContext(".inner") { _ in clock.advance(by: .seconds(1)) }
        }
        #expect(abs((recorder.events.first { $0.type == "outer.inner" }?.elapsed ?? 0) - 1) < 1e-6)
        let outer = try #require(recorder.events.first { $0.type == "outer" })
        #expect(abs(outer.elapsed - 2.5) < 1e-6)
        #expect(outer["step_time"]?.doubleValue == 0.5)
    }

    @Test func `a parent may close before its child`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            let parent = Context.open("parent")
            let child = parent.run { Context.open(".child") }
            parent.finish()
            child["late"] = true
            child.finish()
        }
        let tree = try #require(recorder.tree("parent"))
        #expect(tree.child("parent.child")?.event["late"] == .bool(true))
    }

    @Test func `contexts by hand are entered many times and end once`() throws {
        let recorder = try TestRecorder()
        let context = Context.open("upload", pipeline: recorder.pipeline)
        context.run { Context.current?.add("chunks", 1) }
        #expect(Context.current == nil)
        context.run { Context.current?.add("chunks", 1) }
        context.finish()
        context.finish()
        context["after"] = 1
        #expect(recorder.events.count == 1)
        #expect(recorder.events.first?["chunks"] == .int64(2))
        #expect(recorder.events.first?["after"] == nil)
        #expect(recorder.pipeline.statistics.finishedTwice == 1)
        #expect(recorder.pipeline.statistics.writesAfterClose == 1)
    }

    @Test func `a context that is released unfinished becomes an event that says so`() throws {
        let recorder = try TestRecorder()
        do {
            let context = Context.open("lost", pipeline: recorder.pipeline)
            context["n"] = 1
        }
        #expect(recorder.events.first?.errorType == "unfinished")
        #expect(recorder.events.first?["n"] == .int64(1))
        #expect(recorder.pipeline.statistics.unfinished == 1)
    }

    @Test func `a context kept beyond its end takes nothing more and is not reused under its holder`() throws
    {
        let recorder = try TestRecorder()
        var kept: Context?
        recorder.withContext("first") { kept = $0 }
        recorder.withContext("second") { second in
            kept?["stray"] = true
            second["own"] = true
        }
        #expect(recorder.events("second").first?["stray"] == nil)
        #expect(recorder.events("second").first?["own"] == .bool(true))
        #expect(recorder.pipeline.statistics.writesAfterClose == 1)
    }

    @Test func `200 tasks with 200 children each, every event has the right parent`() async throws {
        let recorder = try TestRecorder()
        await recorder.bind {
            await withTaskGroup(of: Void.self) { group in
                for task in 0..<200 {
                    group.addTask {
                        await withContext("task") { context in
                            context["task"] = task
                            await withTaskGroup(of: Void.self) { children in
                                for child in 0..<200 {
                                    children.addTask {
                                        await withContext(".child") { inner in
                                            inner["task"] = task
                                            inner["child"] = child
                                            context.add("children", 1)
                                            if child % 16 == 0 { await Task.yield() }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        let roots = recorder.events("task")
        let children = recorder.events("task.child")
        #expect(roots.count == 200)
        #expect(children.count == 40_000)
        let bySpan = Dictionary(roots.map { ($0.span, $0) }, uniquingKeysWith: { first, _ in first })
        #expect(Set(children.map(\.span)).count == 40_000)
        let wrong = children.filter { child in
            guard let root = bySpan[child.parent ?? ""] else { return true }
            return root.id != child.id || root["task"] != child["task"]
        }
        #expect(wrong.isEmpty)
        #expect(roots.allSatisfy { $0["children"] == .int64(200) })
        #expect(recorder.pipeline.statistics.created == 40_200)
    }
}
