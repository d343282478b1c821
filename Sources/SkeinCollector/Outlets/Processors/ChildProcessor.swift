import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// Drives a processor that is a process: makes what it gets of events, and has a ``ProcessorSupervisor`` run it.
final class ChildProcessor: ProcessorDriver {
    private let setup: ProcessorSupervisor.Setup
    private let input: OutletConfiguration.Exec.Input
    private let stream: String
    private let stopBy: @Sendable () -> Int64?
    private var supervisor: ProcessorSupervisor?

    /// Fewer events at once if they are large.
    private static let jobBytes = 1 << 20

    init(
        _ setup: ProcessorSupervisor.Setup, input: OutletConfiguration.Exec.Input, stream: String,
        stopBy: @escaping @Sendable () -> Int64?
    ) {
        self.setup = setup
        self.input = input
        self.stream = stream
        self.stopBy = stopBy
    }

    func open() throws(OutletFailure) {
        do {
            let supervisor = try ProcessorSupervisor(setup)
            try supervisor.start()
            self.supervisor = supervisor
        } catch {
            throw .unavailable("cannot supervise it: \(error)")
        }
    }

    func give(_ batch: EventBatch, _ range: Range<Int>) -> ProcessorOutcome {
        guard let supervisor else { return ProcessorOutcome(passed: 0, end: .stopped) }
        return supervisor.give(makeJob(batch, range), stopBy: stopBy)
    }

    /// At least one event; not all of them if they are large.
    private func makeJob(_ batch: EventBatch, _ range: Range<Int>) -> ProcessorSupervisor.Job {
        var job = ProcessorSupervisor.Job(bytes: [], ends: [])
        var builder = BSONBuilder(capacity: 1024)
        for index in range {
            let place = batch.events[index]
            let document = batch.document(place)
            guard job.ends.isEmpty || job.bytes.count + document.count <= Self.jobBytes else { break }
            switch input {
            case .events:
                job.bytes.append(contentsOf: document)
            case .records:
                builder.removeAll()
                builder.append("stream", string: stream)
                builder.append("number", int64: Int64(bitPattern: batch.number(place)))
                builder.append("arrival", int64: batch.arrival(place))
                if let view = BSONView(prefixOf: document) { builder.append("event", document: view) }
                job.bytes.append(contentsOf: builder.finish().bytes)
            }
            job.ends.append(job.bytes.count)
        }
        return job
    }

    func flush() throws(OutletFailure) {}

    func close(by deadline: Int64) {
        supervisor?.end(by: deadline)
        supervisor = nil
    }
}
