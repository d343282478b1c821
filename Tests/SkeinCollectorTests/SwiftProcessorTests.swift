import SkeinBSON
import SkeinCollector
import SkeinPlatform
import Testing

/// Types of the program around the collector.
@Suite struct SwiftProcessorTests {
    /// What it is told to do at numbers, and what it saw.
    final class Script: Sendable {
        struct State {
            var seen: [Int64] = []
            var numbers: [UInt64] = []
            var refuse: Int64 = -1
            var again: Int64 = -1
            var flushes = 0
            var isClosed = false
            var isHeld = false
        }
        let state = Monitor(State())
    }

    final class Scripted: EventProcessor {
        let script: Script
        init(_ script: Script) { self.script = script }

        func process(_ batch: ProcessorBatch) -> ProcessorVerdict {
            _ = script.state.wait(until: .max) { $0.isHeld ? nil : true }
            for (index, event) in batch.enumerated() {
                let number = event.document.find(path: "body.n")?.integer ?? -1
                let verdict = script.state.update { state -> ProcessorVerdict? in
                    if number == state.refuse { return .refused(at: index, reason: "not \(number)") }
                    if number == state.again {
                        state.again = -1
                        return .again(from: index, reason: "later")
                    }
                    state.seen.append(number)
                    state.numbers.append(event.number)
                    return nil
                }
                if let verdict { return verdict }
            }
            return .taken
        }

        func flush() throws { script.state.update { $0.flushes += 1 } }
        func close() { script.state.update { $0.isClosed = true } }
    }

    private func collector(
        _ folder: TemporaryFolder, _ script: Script, batch: Int = 1000
    ) throws -> Collector {
        var configuration = RunningCollector.configuration(folder)
        configuration.drainTimeout = .milliseconds(500)
        var processor = OutletConfiguration.Processor(kind: "scripted")
        processor.batch = batch
        configuration.outlets.append(OutletConfiguration(name: "it", kind: .processor(processor)))
        let collector = try Collector(
            configuration, log: .none, processors: ["scripted": { _ in Scripted(script) }])
        try collector.start()
        return collector
    }

    private func send(_ collector: Collector, _ numbers: Range<Int>) throws {
        let client = try PushClient(collector.ports.collect[0])
        for number in numbers { try client.send(freshEvent("a", number).bytes) }
        try eventually("all arrive") {
            collector.status[path: "ledger.journaled"]?.intValue == Int64(numbers.upperBound)
        }
    }

    @Test func `every event once, one refused, one put off`() throws {
        let script = Script()
        script.state.update {
            $0.refuse = 17
            $0.again = 33
        }
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let collector = try collector(folder, script, batch: 10)
        try send(collector, 0..<100)
        try collector.flush(timeout: .seconds(20))
        let state = script.state.withLock { $0 }
        #expect(state.seen == (0..<100).filter { $0 != 17 }.map { Int64($0) })
        #expect(state.numbers == state.numbers.sorted())
        let status = collector.status
        #expect(status[path: "outlets.it.kind"]?.stringValue == "scripted")
        #expect(status[path: "outlets.it.rejected"]?.intValue == 1)
        #expect(status[path: "outlets.it.delivered"]?.intValue == 99)
        RunningCollector.expectBalance(status)
        collector.stop()
        #expect(script.state.withLock { $0.isClosed && $0.flushes > 0 })
    }

    @Test func `one that never returns delays only itself, and is left behind at the end`() throws {
        let script = Script()
        script.state.update { $0.isHeld = true }
        let folder = try TemporaryFolder()
        let collector = try collector(folder, script)
        try send(collector, 0..<50)
        try eventually("the files are there") {
            collector.status[path: "outlets.files.delivered"]?.intValue == 50
        }
        try eventually("it is busy") {
            collector.status[path: "outlets.it.process.busy_ms"]?.intValue ?? 0 > 50
        }
        let start = SystemClock.monotonicNanoseconds()
        collector.stop()
        #expect(SystemClock.monotonicNanoseconds() - start < 10_000_000_000)
        script.state.update { $0.isHeld = false }
        try eventually("it has ended") { script.state.withLock { $0.isClosed } }
        // Nothing of it was lost.
        let again = try self.collector(folder, script)
        try again.flush(timeout: .seconds(20))
        #expect(Set(script.state.withLock { $0.seen }) == Set(0..<50))
        again.stop()
    }

    @Test func `a kind that nobody registered is a mistake`() throws {
        var configuration = RunningCollector.configuration(try TemporaryFolder())
        configuration.outlets.append(
            OutletConfiguration(name: "it", kind: .processor(.init(kind: "unheard"))))
        #expect(throws: ConfigurationMistake.self) {
            try Collector(configuration, processors: ["scripted": { _ in Scripted(Script()) }])
        }
    }
}
