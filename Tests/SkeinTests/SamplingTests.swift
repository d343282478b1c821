import Skein
import SkeinTesting
import Testing

@Suite struct SamplingTests {
    @Test func `a root is sampled by the last seven bytes of its trace id`() throws {
        let recorder = try TestRecorder()
        // The last seven bytes just below and at 0x40…, a quarter of 2^56; the byte before them does not count.
        recorder.withContext("low", id: "0100000000000000ff3fffffffffffff", sample: .rate(0.25)) { _ in }
        recorder.withContext("high", id: "01000000000000000040000000000000", sample: .rate(0.25)) { _ in }
        #expect(recorder.events.map(\.type) == ["low"])
        #expect(recorder.events.first?.rate == 0.25)
    }

    @Test func `a rate keeps about its share, and weighs it`() throws {
        let recorder = try TestRecorder()
        for _ in 0..<20_000 { recorder.withContext("t", sample: .rate(0.2)) { _ in } }
        // Six standard deviations: 6 · sqrt(20000 · 0.2 · 0.8) = 340.
        #expect(abs(recorder.events.count - 4_000) < 340)
        #expect(recorder.events.allSatisfy { $0.rate == 0.2 })
        #expect(recorder.pipeline.statistics.unsampled == 20_000 - UInt64(recorder.events.count))
    }

    @Test func `the parent decides once for each type of child`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            for _ in 0..<300 {
                withContext("request") { _ in
                    for _ in 0..<3 { withContext(".sql", sample: .ancestor("..", rate: 0.5)) { _ in } }
                    for _ in 0..<2 { withContext(".cache", sample: .ancestor("..", rate: 0.5)) { _ in } }
                }
            }
        }
        let trees = recorder.trees
        #expect(trees.count == 300)
        var shapes: Set<[Int]> = []
        for tree in trees {
            let sql = tree.children.filter { $0.event.type == "request.sql" }.count
            let cache = tree.children.filter { $0.event.type == "request.cache" }.count
            #expect(sql == 0 || sql == 3)
            #expect(cache == 0 || cache == 2)
            shapes.insert([sql, cache])
        }
        #expect(shapes.count == 4, "the two types' decisions are independent")
    }

    @Test func `an ancestor by name decides from afar, an unknown one is counted`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            for _ in 0..<200 {
                withContext("request") { _ in
                    for _ in 0..<2 {
                        withContext(".part") { _ in
                            withContext(".sql", sample: .ancestor("request", rate: 0.5)) { _ in }
                            withContext(".top", sample: .ancestor("^", rate: 0.5)) { _ in }
                        }
                    }
                }
            }
            withContext("request") { _ in
                withContext(".x", sample: .ancestor("nobody", rate: 1)) { _ in }
            }
        }
        for tree in recorder.trees {
            for type in ["request.part.sql", "request.part.top"] {
                let count = tree.all.filter { $0.type == type }.count
                #expect(count == 0 || count == 2)
            }
        }
        #expect(recorder.pipeline.statistics.unknownAncestors == 1)
    }

    @Test func `a parent that is not sampled silences its subtree, which still propagates its ids`() throws {
        let recorder = try TestRecorder()
        var headers: [String: String] = [:]
        recorder.bind {
            withContext("request", sample: .never) { context in
                #expect(!context.isRecording)
                withContext(".sql") { inner in
                    inner["x"] = 1
                    inner.inject(into: &headers)
                }
                withContext("other") { $0["kept"] = true }
            }
        }
        #expect(recorder.events.map(\.type) == ["other"])
        #expect(headers["traceparent"]?.hasSuffix("-00") == true)
    }

    @Test func `rates multiply along the path`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            for _ in 0..<400 {
                withContext("a", sample: .rate(0.5)) { _ in
                    withContext(".b", sample: .rate(0.5)) { _ in
                        withContext(".c") { _ in }
                    }
                }
            }
        }
        let deep = recorder.events("a.b.c")
        #expect(deep.count > 20)
        #expect(deep.allSatisfy { $0.rate == 0.25 })
        #expect(recorder.events("a").allSatisfy { $0.rate == 0.5 })
    }

    @Test func `two services that sample at the same rate keep the same trees`() throws {
        let front = try TestRecorder { $0.service = "front" }
        let back = try TestRecorder { $0.service = "back" }
        for _ in 0..<500 {
            var headers: [String: String] = [:]
            front.withContext("request", sample: .rate(0.3)) { $0.inject(into: &headers) }
            withContext("request", continuing: headers, sample: .rate(0.9), pipeline: back.pipeline) { _ in }
        }
        #expect(front.events.count > 50)
        #expect(front.events.map(\.id) == back.events.map(\.id))
        #expect(back.events.allSatisfy { $0.rate == 0.3 })
    }
}
