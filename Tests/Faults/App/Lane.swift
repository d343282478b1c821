import Skein
import SkeinPlatform

/// One thread or task of the app: it opens numbered contexts and reports how far each has come.
struct Lane: Sendable {
    let number: Int
    let run: Int
    let reports: ReportFile
    let pipeline: EventPipeline
    private(set) var random: FastRandom
    private var next = 0
    /// Opened by hand, and left open for a while.
    private var left: [(context: Context, index: Int)] = []

    init(_ number: Int, run: Int, reports: ReportFile, pipeline: EventPipeline, seed: UInt64) {
        self.number = number
        self.run = run
        self.reports = reports
        self.pipeline = pipeline
        random = FastRandom(seed: seed &+ UInt64(number))
    }

    /// Whether all its numbers are used up.
    var isExhausted: Bool { next + 64 > ReportFile.capacity }

    /// How many contexts it has begun.
    var begun: Int { next }

    private mutating func begin() -> Int {
        let index = next
        next += 1
        reports.mark(lane: number, index, .begun)
        return index
    }

    private func closed(_ index: Int) {
        reports.mark(lane: number, index, .closed)
    }

    // MARK: What it does

    /// A context, a tree of them, or one that stays open.
    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<70: single()
        case 70..<90: tree(depth: 0)
        default: openOrFinish()
        }
    }

    private mutating func single() {
        let index = begin()
        pipeline.withContext("job") { context in fill(context, index) }
        closed(index)
    }

    private mutating func tree(depth: Int) {
        let index = begin()
        let body = { (lane: inout Lane, context: Context) in
            lane.mark(context, index)
            if depth < 3 {
                for _ in 0..<Int.random(in: 1...3, using: &lane.random) { lane.tree(depth: depth + 1) }
            }
            lane.finish(context)
        }
        if depth == 0 {
            pipeline.withContext("request") { context in body(&self, context) }
        } else {
            withContext(".step") { context in body(&self, context) }
        }
        closed(index)
    }

    private mutating func openOrFinish() {
        if left.count < 8 {
            let index = begin()
            let context = Context.open("upload", pipeline: pipeline)
            mark(context, index)
            left.append((context, index))
        } else {
            finishOne()
        }
    }

    private mutating func finishOne() {
        let (context, index) = left.remove(at: Int.random(in: 0..<left.count, using: &random))
        finish(context)
        context.finish()
        closed(index)
    }

    /// As ``step()``, in a task: between opening and closing it moves to another thread.
    mutating func asynchronousStep() async {
        guard Int.random(in: 0..<4, using: &random) == 0 else { return step() }
        let index = begin()
        await pipeline.withContext("task") { context async in
            mark(context, index)
            await Task.yield()
            let inner = begin()
            await withContext(".step") { context async in
                mark(context, inner)
                await Task.yield()
                finish(context)
            }
            closed(inner)
            finish(context)
        }
        closed(index)
    }

    /// Closes what it had left open.
    mutating func end() {
        while !left.isEmpty { finishOne() }
    }

    // MARK: Fields

    private mutating func fill(_ context: Context, _ index: Int) {
        mark(context, index)
        finish(context)
    }

    /// From here on the context can be told by its number, whoever finds it.
    private mutating func mark(_ context: Context, _ index: Int) {
        context["number"] = ContextNumber(run: run, lane: number, index: index).value
        reports.mark(lane: number, index, .open)
        let size = sizeOfText()
        if size > 2_000 { reports.mark(lane: number, index, .outgrowing) }
        context["size"] = size
        context["text"] = String(repeating: "x", count: size)
    }

    private mutating func finish(_ context: Context) {
        context["done"] = true
    }

    private mutating func sizeOfText() -> Int {
        switch Int.random(in: 0..<100, using: &random) {
        case 0: Int.random(in: 4_000...60_000, using: &random)
        case 1..<10: Int.random(in: 400...2_000, using: &random)
        default: Int.random(in: 0...400, using: &random)
        }
    }
}
