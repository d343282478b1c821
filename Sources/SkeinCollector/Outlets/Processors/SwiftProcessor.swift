import SkeinPlatform

/// Drives a ``EventProcessor``.
final class SwiftProcessor: ProcessorDriver {
    private let make: () throws -> any EventProcessor
    private let stream: String
    private let counts: ProcessorCounts
    private var processor: (any EventProcessor)?

    init(
        stream: String, counts: ProcessorCounts, make: @escaping () throws -> any EventProcessor
    ) {
        self.stream = stream
        self.counts = counts
        self.make = make
    }

    func open() throws(OutletFailure) {
        do {
            processor = try make()
        } catch {
            throw .unavailable("it cannot be made: \(error)")
        }
        counts.change { $0.starts += 1 }
    }

    func give(_ batch: EventBatch, _ range: Range<Int>) -> ProcessorOutcome {
        guard let processor else { return ProcessorOutcome(passed: 0, end: .stopped) }
        counts.change { $0.busySince = SystemClock.monotonicNanoseconds() }
        defer { counts.change { $0.busySince = nil } }
        func clamped(_ index: Int) -> Int { min(max(index, 0), range.count - 1) }
        switch processor.process(ProcessorBatch(batch, range, stream: stream)) {
        case .taken: return ProcessorOutcome(passed: range.count, end: .done)
        case .again(let index, let reason):
            counts.change { $0.again += 1 }
            return ProcessorOutcome(passed: clamped(index), end: .again(reason))
        case .refused(let index, let reason):
            return ProcessorOutcome(
                passed: clamped(index) + 1, refusals: [.init(index: clamped(index), reason: reason)],
                end: .done)
        }
    }

    func flush() throws(OutletFailure) {
        do {
            try processor?.flush()
        } catch {
            throw .unavailable("it cannot flush: \(error)")
        }
    }

    func close(by deadline: Int64) {
        do { try processor?.flush() } catch {}  // the cursor did not move: it is given again
        processor?.close()
        processor = nil
    }
}
