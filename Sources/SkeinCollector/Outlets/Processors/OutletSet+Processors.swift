import SkeinBSON
import SkeinJournal
import SkeinPlatform

// Outlets that are processors: a program, a library in a process of its own, a type of the program around.
extension OutletSet {
    func startProcessor(
        _ configuration: OutletConfiguration, _ routing: Routing
    ) throws(CollectorError) -> OutletRunner {
        let name = configuration.name
        let stopper = Stopper()
        let counts = ProcessorCounts()
        let (driver, batch, takesAnswers) = try makeDriver(configuration, counts) { stopper.stopBy }
        let bell = bell
        let source = try source(configuration, routing) { bell.ring() }
        let answers = surroundings.answers
        let runner = OutletRunner(
            name: name, kind: configuration.kind.word, bell: bell, source: source, routing: routing,
            liveStatus: {
                var status: BSONDocument = ["process": .document(counts.document)]
                if takesAnswers {
                    status.append("answers", .document(Self.document(answers.counts(of: name), counts)))
                }
                return status
            })
        stopper.runner = runner
        let outlet = ProcessorOutlet(
            driver: driver, batchCount: batch, answers: takesAnswers ? answers : nil
        ) { stopper.stopBy }
        do {
            try runner.start(
                OutletRunner.Setup(
                    outlet: outlet, checkpointFile: checkpointFile(configuration), source: source,
                    journal: surroundings.journal.id.description, recoveredEnd: surroundings.recoveredEnd,
                    rejected: surroundings.rejected, warner: surroundings.warner, bell: bell,
                    onProgress: surroundings.onProgress,
                    // What is given again after a kill is what came since.
                    checkpointInterval: .seconds(1),
                    checkpointBytes: min(8 << 20, source.settings.lagBytes / 2),
                    runBytes: 128 << 10, passesOverAnswers: takesAnswers))
        } catch {
            source.close()
            throw CollectorError(.resources, "\(name): cannot start a thread: \(error)")
        }
        keeper.add(source)
        return runner
    }

    private func makeDriver(
        _ configuration: OutletConfiguration, _ counts: ProcessorCounts,
        _ stopBy: @escaping @Sendable () -> Int64?
    ) throws(CollectorError) -> (driver: any ProcessorDriver, batch: Int, takesAnswers: Bool) {
        let name = configuration.name
        let stream = surroundings.journal.id.description
        var setup = ProcessorSupervisor.Setup(
            name: name, command: [], environment: Self.environment(name), isAcknowledged: true,
            limits: .init(), answers: surroundings.answers, counts: counts, warner: surroundings.warner)
        let input: OutletConfiguration.Exec.Input
        switch configuration.kind {
        case .exec(let exec):
            setup.command = exec.command
            setup.environment.merge(exec.environment) { $1 }
            setup.isAcknowledged = exec.isAcknowledged
            setup.limits = exec.limits
            input = exec.input
        case .library(let library):
            guard !surroundings.processorHost.isEmpty else {
                throw CollectorError(.state, "\(name): this program has no process to load libraries in")
            }
            setup.command = surroundings.processorHost + ProcessorHost.arguments(library)
            setup.limits = library.limits
            input = .records
        case .processor(let processor):
            guard let make = surroundings.processors[processor.kind] else {
                throw CollectorError(
                    .state, "\(name): no processors of the kind \(processor.kind) are registered")
            }
            let options = processor.options
            return (
                SwiftProcessor(stream: stream, counts: counts) { try make(options) }, processor.batch, false
            )
        case .files, .stream, .forward: throw CollectorError(.state, "\(name) is no processor")
        }
        return (
            ChildProcessor(setup, input: input, stream: stream, stopBy: stopBy), setup.limits.batch,
            setup.limits.takesAnswers
        )
    }

    /// The collector's own variables, without its settings: some are secrets.
    private static func environment(_ name: String) -> [String: String] {
        var variables = ProcessEnvironment.variables(prefix: "").filter { !$0.key.hasPrefix("SKEIND_") }
        variables["SKEIN_PROCESSOR"] = name
        return variables
    }

    private static func document(_ answers: AnswerQueue.Counts, _ counts: ProcessorCounts) -> BSONDocument {
        [
            "taken": .int64(Int64(clamping: answers.taken)),
            "rejected": .int64(Int64(clamping: answers.rejected)),
            "dropped": .int64(Int64(clamping: answers.dropped)),
            "unasked": .int64(Int64(clamping: counts.current.unasked)),
        ]
    }
}

/// Tells an outlet when it has to have ended; its runner is made after it.
private final class Stopper: Sendable {
    private struct Reference: Sendable {
        weak var runner: OutletRunner?
    }
    private let reference = Monitor(Reference())

    var runner: OutletRunner? {
        get { reference.withLock { $0.runner } }
        set { reference.withLock { $0.runner = newValue } }
    }

    /// Monotonic nanoseconds.
    var stopBy: Int64? { runner?.shared.withLock { $0.stopBy } }
}
