import Foundation
import Skein
import SkeinBSON
import SkeinTesting
import Testing

@Suite struct HeldDetailTests {
    private struct Failure: Error {}

    private func types(_ recorder: TestRecorder) -> [String] { recorder.events.map(\.type) }

    @Test func `a tree that ends well leaves its root alone, and the rest is counted as held`() throws {
        let recorder = try TestRecorder()
        recorder.pipeline.withContext("request", keep: .onError) { request in
            for n in 0..<3 { withContext(".sql") { $0["n"] = n } }
            request["status"] = 200
        }
        #expect(types(recorder) == ["request"])
        let statistics = recorder.pipeline.statistics
        #expect(statistics.created == 4)
        #expect(statistics.held == 3)
        #expect(statistics.heldNow == 0)
        #expect(statistics.dropped.isEmpty)
        #expect(statistics.acknowledged == 1)
    }

    @Test func `a thrown error lets everything go in order, the root last`() throws {
        let recorder = try TestRecorder()
        #expect(throws: Failure.self) {
            try recorder.pipeline.withContext("request", keep: .onError) { _ in
                for n in 0..<100 { withContext(".sql") { $0["n"] = n } }
                withContext(".cache") { cache in withContext(".get") { $0["key"] = "k" } }
                throw Failure()
            }
        }
        let events = recorder.events
        #expect(events.count == 103)
        #expect(events.prefix(100).map { $0["n"]?.intValue } == (0..<100).map { Int64($0) })
        #expect(events.suffix(3).map(\.type) == ["request.cache.get", "request.cache", "request"])
        #expect(Set(events.map(\.id)).count == 1)
        #expect(events.last?.errorType == "Failure")
        let statistics = recorder.pipeline.statistics
        #expect(statistics.created == 103)
        #expect(statistics.acknowledged == 103)
        #expect(statistics.held == 0)
    }

    @Test func `what the closure caught is no error of its root`() throws {
        let recorder = try TestRecorder()
        recorder.pipeline.withContext("request", keep: .onError) { _ in
            try? withContext(".sql") { _ in throw Failure() }
        }
        #expect(types(recorder) == ["request"])
    }

    @Test func `a slow root lets its detail go`() throws {
        let clock = ManualClock()
        let recorder = try TestRecorder(clock: clock)
        for milliseconds in [249, 251] {
            recorder.pipeline.withContext("request", keep: .onError(slowerThan: .milliseconds(250))) { _ in
                withContext(".sql") { $0["ms"] = milliseconds }
                clock.advance(by: .milliseconds(milliseconds))
            }
        }
        #expect(types(recorder) == ["request", "request.sql", "request"])
        #expect(recorder.events("request.sql").first?["ms"]?.intValue == 251)
    }

    @Test func `any context of the tree may ask for its detail, and then it goes at once`() throws {
        let recorder = try TestRecorder()
        recorder.pipeline.withContext("request", keep: .onError) { _ in
            withContext(".first") { _ in }
            #expect(recorder.events.isEmpty)
            withContext(".second") { second in
                second.keepDetail()
                #expect(types(recorder) == ["request.first"])
            }
            #expect(types(recorder) == ["request.first", "request.second"])
        }
        #expect(types(recorder) == ["request.first", "request.second", "request"])
    }

    @Test func `records below the level are held, others go, and one of the burst level lets go`() throws {
        let recorder = try TestRecorder()
        func record(_ level: Int32) { _ = Context.record(.log, level: level) { $0["of"] = Int(level) } }
        recorder.pipeline.withContext("request", keep: .onError) { _ in
            record(10)
            record(30)
        }
        #expect(types(recorder) == ["request.log", "request"])
        #expect(recorder.events[0]["of"]?.intValue == 30)
        #expect(recorder.pipeline.statistics.held == 1)
        recorder.removeAll()
        recorder.pipeline.withContext("request", keep: .onError) { _ in
            record(10)
            withContext(".sql") { _ in record(5) }
            record(40)
            #expect(recorder.events.map { $0["of"]?.intValue } == [10, 5, nil, 40])
            record(10)
        }
        #expect(recorder.events.map { $0["of"]?.intValue } == [10, 5, nil, 40, 10, nil])
    }

    @Test func `beyond its bounds the oldest give way, and count as lost only if the tree is let go`() throws
    {
        for (keep, kept) in [(Keep(capacity: 5), 5), (Keep(capacity: 1_000_000, bytes: 8 << 10), nil)] {
            for fails in [false, true] {
                let recorder = try TestRecorder()
                try? recorder.pipeline.withContext("request", keep: keep) { _ in
                    for n in 0..<200 { withContext(".sql") { $0["n"] = n } }
                    if fails { throw Failure() }
                }
                let statistics = recorder.pipeline.statistics
                let numbers = recorder.events("request.sql").compactMap { $0["n"]?.intValue }
                #expect(statistics.created == 201)
                if fails {
                    if let kept { #expect(numbers.count == kept) }
                    #expect(numbers == Array(Int64(200 - numbers.count)..<200))
                    #expect(numbers.count > 2)
                    #expect(statistics.dropped["held_full"] == UInt64(200 - numbers.count))
                    #expect(statistics.held == 0)
                } else {
                    #expect(numbers.isEmpty)
                    #expect(statistics.held == 200)
                    #expect(statistics.dropped.isEmpty)
                }
            }
        }
    }

    @Test func `memory for all trees is bounded, and large events are held aside`() throws {
        let recorder = try TestRecorder { $0.heldBytes = 64 << 10 }
        try? recorder.pipeline.withContext("request", keep: Keep(capacity: 100_000, bytes: 8 << 20)) { _ in
            for n in 0..<1_000 {
                withContext(".sql") { sql in
                    sql["n"] = n
                    if n % 100 == 99 { sql["text"] = String(repeating: "x", count: 20_000) }
                }
            }
            throw Failure()
        }
        let events = recorder.events("request.sql")
        let numbers = events.compactMap { $0["n"]?.intValue }
        #expect(numbers == Array(Int64(1_000 - numbers.count)..<1_000))
        #expect(numbers.count > 100)
        #expect(events.last?["text"]?.stringValue?.utf8.count == 20_000)
        let statistics = recorder.pipeline.statistics
        #expect(statistics.created == 1_001)
        #expect(statistics.created == statistics.acknowledged + (statistics.dropped["held_full"] ?? 0))
        #expect(statistics.heldNow == 0)
    }

    @Test func `a tree that is not sampled is held whole, and what is let go weighs one`() throws {
        let recorder = try TestRecorder()
        var seen: [Bool] = []
        for fails in [false, true] {
            try? recorder.pipeline.withContext("request", sample: .never, keep: .onError) { request in
                var headers: [String: String] = [:]
                request.inject(into: &headers)
                seen.append(headers["traceparent"]?.hasSuffix("-00") ?? false)
                #expect(!request.isSampled)
                #expect(request.isRecording)
                withContext(".sql") { _ in _ = Context.record(.log, level: 30) { _ in } }
                if fails { throw Failure() }
            }
        }
        #expect(seen == [true, true])
        #expect(types(recorder) == ["request.sql.log", "request.sql", "request"])
        #expect(recorder.events.allSatisfy { $0.document["rate"] == nil })
        #expect(recorder.pipeline.statistics.held == 3)
    }

    @Test func `what is let go of a sampled tree weighs one, too`() throws {
        let recorder = try TestRecorder()
        var sampled = 0
        for _ in 0..<200 {
            try? recorder.pipeline.withContext("request", sample: .rate(0.5), keep: .onError) { request in
                if request.isSampled { sampled += 1 }
                withContext(".sql") { _ in }
                throw Failure()
            }
        }
        #expect(sampled > 0 && sampled < 200)
        #expect(recorder.events.count == 400)
        #expect(recorder.events.allSatisfy { $0.rate == 1 })
    }

    @Test func `a kept child of a silenced parent is recorded when it fails`() throws {
        let recorder = try TestRecorder()
        recorder.pipeline.withContext("request", sample: .never) { _ in
            for fails in [false, true] {
                try? withContext(".job", keep: .onError) { _ in
                    withContext(".step") { _ in }
                    if fails { throw Failure() }
                }
            }
            withContext(".other") { _ in }
        }
        #expect(types(recorder) == ["request.job.step", "request.job"])
    }

    @Test func `a kept part of a kept tree: its own failure lets go its own, else it is the outer one's`()
        throws
    {
        let recorder = try TestRecorder()
        func run(_ inner: Bool, _ outer: Bool) -> [String] {
            recorder.removeAll()
            try? recorder.pipeline.withContext("request", keep: .onError) { _ in
                withContext(".before") { _ in }
                try? withContext(".job", keep: .onError) { _ in
                    withContext(".step") { _ in }
                    if inner { throw Failure() }
                }
                if outer { throw Failure() }
            }
            return types(recorder)
        }
        #expect(run(false, false) == ["request"])
        #expect(run(true, false) == ["request.job.step", "request.job", "request"])
        #expect(
            run(false, true) == ["request.before", "request.job.step", "request.job", "request"])
        #expect(
            run(true, true) == ["request.job.step", "request.job", "request.before", "request"])
        #expect(recorder.pipeline.statistics.heldNow == 0)
    }

    @Test func `a type may have a keep by default`() throws {
        let recorder = try TestRecorder { $0.keep["request"] = .onError }
        for fails in [false, true] {
            try? recorder.withContext("request") { _ in
                withContext(".sql") { _ in }
                if fails { throw Failure() }
            }
        }
        #expect(types(recorder) == ["request", "request.sql", "request"])
    }

    @Test func `children that outlive the root follow its verdict`() async throws {
        for fails in [false, true] {
            let recorder = try TestRecorder()
            let late = Late()
            try? await recorder.pipeline.withContext("request", keep: .onError) { _ async throws in
                late.child = Context.open(".late")
                if fails { throw Failure() }
            }
            late.child?.finish()
            let expected = fails ? ["request", "request.late"] : ["request"]
            #expect(types(recorder) == expected)
            #expect(recorder.pipeline.statistics.heldNow == 0)
        }
    }

    private final class Late: @unchecked Sendable { var child: Context? }

    @Test func `many writers at once: all of a failed tree arrives, none of one that ends well`() async throws
    {
        let recorder = try TestRecorder()
        await withTaskGroup(of: Void.self) { group in
            for n in 0..<200 {
                group.addTask {
                    try? await recorder.pipeline.withContext("request", keep: .onError) {
                        request async throws in
                        request["n"] = n
                        await withTaskGroup(of: Void.self) { group in
                            for m in 0..<8 { group.addTask { withContext(".part") { $0["m"] = m } } }
                        }
                        if n % 2 == 1 { throw Failure() }
                    }
                }
            }
        }
        let trees = RecordedTree.trees(of: recorder.events)
        #expect(trees.count == 200)
        for tree in trees {
            let failed = tree.event.errorType != nil
            #expect(tree.children.count == (failed ? 8 : 0))
        }
        let statistics = recorder.pipeline.statistics
        #expect(statistics.created == 200 * 9)
        #expect(statistics.held == 800)
        #expect(statistics.heldNow == 0)
    }

    @Test func `a verdict while others write: each event goes once`() async throws {
        for _ in 0..<20 {
            let recorder = try TestRecorder()
            try? await recorder.pipeline.withContext("request", keep: .onError) { request async throws in
                await withTaskGroup(of: Void.self) { group in
                    for task in 0..<4 {
                        group.addTask {
                            for m in 0..<100 {
                                withContext(".part") { $0["m"] = task * 1_000 + m }
                                if task == 0, m == 50 { request.keepDetail() }
                            }
                        }
                    }
                }
            }
            let numbers = recorder.events("request.part").compactMap { $0["m"]?.intValue }
            #expect(numbers.count == 400)
            #expect(Set(numbers).count == 400)
            for task in 0..<4 {
                let own = numbers.filter { $0 / 1_000 == task }
                #expect(own == own.sorted())
            }
            #expect(recorder.events.last?.type == "request")
        }
    }
}
