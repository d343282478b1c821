import SkeinBSON
import SkeinPlatform
import SkeinTesting
import Synchronization
import Testing

@testable import Skein

@Suite struct ContextLockTests {
    private func events(_ recorder: MemoryRecorder, _ type: String) -> [BSONDocument] {
        recorder.events.filter { $0["type"]?.stringValue == type }
    }

    /// A lock in memory of its own, with a count that only the lock guards.
    private final class Guarded: @unchecked Sendable {
        let lock = BiasedLock()
        var count = 0

        func add() {
            let hold = lock.acquire {}
            count += 1
            lock.release(hold)
        }
    }

    @Test func `an owner and others who come at any time exclude each other`() throws {
        for round in 0..<200 {
            let guarded = Guarded()
            let begun = Atomic<Int>(0)
            let owner = try SystemThread(name: "owner") {
                guarded.lock.begin(owner: AsymmetricFence.isAvailable ? currentThreadNumber() : 0)
                begun.store(1, ordering: .releasing)
                for _ in 0..<4_000 { guarded.add() }
            }
            let others = try (0..<2).map { _ in
                try SystemThread(name: "other") {
                    while begun.load(ordering: .acquiring) == 0 { sched_yield() }
                    for _ in 0..<round { spinPause() }
                    for _ in 0..<1_000 { guarded.add() }
                }
            }
            owner.join()
            for other in others { other.join() }
            #expect(guarded.count == 6_000)
        }
    }

    @Test func `a type whose contexts threads share stops giving each its own lock`() async throws {
        let recorder = MemoryRecorder()
        let pipeline = try EventPipeline(.init(recorder: recorder))
        for _ in 0..<3 {
            await pipeline.withContext("shared") { context in
                await withTaskGroup(of: Void.self) { group in
                    for index in 0..<8 { group.addTask { context.add("sum", index) } }
                }
            }
        }
        let sums = events(recorder, "shared").map { $0["body"]?.documentValue?["sum"]?.intValue }
        #expect(sums == [28, 28, 28])
    }

    @Test func `a context that outlives its closure keeps its ancestors`() async throws {
        let recorder = MemoryRecorder()
        let pipeline = try EventPipeline(.init(recorder: recorder))
        let escaped = Monitor<[Context]>([])
        for _ in 0..<100 {
            pipeline.withContext("outer") { _ in
                withContext(".middle") { _ in
                    withContext(".inner") { context in escaped.withLock { $0.append(context) } }
                }
            }
        }
        // Their objects would have been used again, had nobody kept them.
        for _ in 0..<100 { pipeline.withContext("other") { _ in withContext(".child") { _ in } } }
        for context in escaped.withLock({ $0 }) {
            #expect(context.type == "outer.middle.inner")
            #expect(Context.outermost(Unmanaged.passUnretained(context)).state.name == "outer")
            context.run { withContext("^.late", sample: .ancestor("outer", rate: 1)) { _ in } }
        }
        #expect(events(recorder, "outer.late").count == 100)
        let trees = Set(events(recorder, "outer").compactMap { $0["id"]?.stringValue })
        #expect(Set(events(recorder, "outer.late").compactMap { $0["id"]?.stringValue }) == trees)
    }
}
