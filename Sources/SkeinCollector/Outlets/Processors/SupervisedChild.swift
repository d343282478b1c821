import SkeinPlatform
import SkeinZeroMQ

/// One process of a processor: what it was given, what it has read and taken, what it writes. On the supervisor's thread.
final class SupervisedChild {
    /// Why it has to be ended.
    struct Failure: Error {
        enum Kind { case timeout, garbage, flood }
        var kind: Kind
        var reason: String
    }

    private let setup: ProcessorSupervisor.Setup
    private let process: ChildProcess
    var processID: Int32 { process.processID }

    // What it gets.
    private var job: ProcessorSupervisor.Job?
    /// Bytes of the job that are in its pipe or read.
    private var written = 0
    /// Events of the job that it was given whole.
    private var given = 0
    /// Events of the job that are taken or refused.
    private var taken = 0
    private var refusals: [ProcessorOutcome.Refusal] = []
    /// Events that it was given in jobs before this one.
    private var before: UInt64 = 0
    /// The event that it says it cannot take now, and why.
    private var again: (number: UInt64, reason: String)?
    private(set) var hasTaken = false
    private(set) var hasReadAnything = false
    private var hasClosedInput = false
    /// Since when it has got no further, monotonic nanoseconds; nil: it has nothing to do.
    private var stalledSince: Int64?
    private(set) var busySince: Int64?

    // What it writes.
    private var output = ProcessorOutput()
    private var log = ProcessorLog()
    private var isOutputOpen = true
    private var isErrorOpen = true
    private var answerLimit: FlowLimit
    private var logLimit = FlowLimit(perSecond: logBytesPerSecond)
    /// An answer for which there is no room yet.
    private var waitingAnswer: [UInt8]?
    private var answersSinceTaken = 0
    private var toldLines: (UInt64, UInt64) = (0, 0)
    private var lastStep: Int64
    private var drainedReads = 0

    private static let logBytesPerSecond = 1 << 20
    private static let mostAnswersUntaken = 100_000
    private static let readBytes = 64 << 10

    init(_ setup: ProcessorSupervisor.Setup) throws(SystemError) {
        self.setup = setup
        process = try ChildProcess(supervising: setup.command, environment: setup.environment)
        answerLimit = FlowLimit(perSecond: setup.limits.answerRate)
        lastStep = SystemClock.monotonicNanoseconds()
    }

    // MARK: Jobs

    /// Takes a job on, if it has none.
    func begin(_ job: ProcessorSupervisor.Job?) {
        guard self.job == nil, let job else { return }
        self.job = job
        written = 0
        given = 0
        taken = 0
        refusals = []
        busySince = SystemClock.monotonicNanoseconds()
        stalledSince = busySince
    }

    /// Whether all it was given it was given whole.
    var isIdle: Bool { job == nil || written == job?.bytes.count }

    /// What became of the job; nil as long as that is open. Gives it up.
    func outcome() -> ProcessorOutcome? {
        guard let job, taken == job.ends.count else { return nil }
        before += UInt64(job.ends.count)
        self.job = nil
        busySince = nil
        stalledSince = nil
        return ProcessorOutcome(passed: taken, refusals: refusals, end: .done)
    }

    /// The outcome of a job that its end cut short.
    func failure(_ reason: String) -> ProcessorOutcome {
        guard let job else { return ProcessorOutcome(passed: 0, end: .failed(given: 0, reason)) }
        let consumed = consumedBytes
        // Those of which it has read anything.
        let read = job.ends.indices.count { index in (index == 0 ? 0 : job.ends[index - 1]) < consumed }
        var given = max(0, read - taken)
        if let again, again.number == before + UInt64(taken) + 1 { given = 0 }
        return ProcessorOutcome(passed: taken, refusals: refusals, end: .failed(given: given, reason))
    }

    /// Bytes of the job that it has read.
    private var consumedBytes: Int {
        max(0, written - (process.unreadInput ?? 0))
    }

    // MARK: Steps

    /// Waits until there is something to do, and does it.
    /// - Returns: false once it has ended and nothing more comes of it.
    func step(wakeUp: WakeUp, isEnding: Bool = false) throws(Failure) -> Bool {
        let start = SystemClock.monotonicNanoseconds()
        let isThrottled = (waitingAnswer != nil || !answerLimit.mayPass(start)) && setup.speaks
        let mayRead = isOutputOpen && !isThrottled && (setup.speaks || logLimit.mayPass(start))
        let mayReadErrors = isErrorOpen && logLimit.mayPass(start)
        let hasToWrite = !isEnding && job.map { written < $0.bytes.count } ?? false
        var items = [
            pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mayRead ? process.output : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mayReadErrors ? process.errors : -1, events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: hasToWrite && !hasClosedInput ? process.input : -1, events: Int16(POLLOUT), revents: 0),
        ]
        _ = poll(&items, nfds_t(items.count), waitMilliseconds(isThrottled, mayReadErrors, hasToWrite))
        let now = SystemClock.monotonicNanoseconds()
        if items[0].revents != 0 { wakeUp.drain() }
        if isThrottled { throttled(now - lastStep, now) }
        lastStep = now
        if items[3].revents != 0 { write() }
        if waitingAnswer != nil { offerWaiting() }
        if setup.speaks { try takeOutput(now) }
        if items[1].revents != 0 { try readOutput(now) }
        if items[2].revents != 0 { readErrors(now) }
        if !setup.isAcknowledged { noteRead(now) }
        if !hasReadAnything, written > 0 { hasReadAnything = consumedBytes > 0 || before > 0 }
        tellLines()
        if process.wait(until: now) != nil { return try drain(now) }
        try checkStall(now)
        return true
    }

    private func waitMilliseconds(_ isThrottled: Bool, _ mayReadErrors: Bool, _ hasToWrite: Bool) -> Int32 {
        if isThrottled {
            return waitingAnswer != nil ? 20 : Int32(clamping: answerLimit.wait() / 1_000_000 + 1)
        }
        if isErrorOpen && !mayReadErrors { return Int32(clamping: logLimit.wait() / 1_000_000 + 1) }
        // That a pipe was read nobody tells.
        if !setup.isAcknowledged, job != nil, !hasToWrite {
            let waited = (SystemClock.monotonicNanoseconds() - (stalledSince ?? 0)) / 1_000_000
            return waited < 2 ? 0 : waited < 20 ? 1 : 10
        }
        // Its end is told by its pipes, unless somebody else holds them.
        return 100
    }

    private func checkStall(_ now: Int64) throws(Failure) {
        guard let stalledSince, now - stalledSince > setup.limits.timeout.wholeNanoseconds else { return }
        let span = TimeSpan.print(setup.limits.timeout)
        let what = setup.isAcknowledged ? "it took nothing for \(span)" : "it read nothing for \(span)"
        throw Failure(kind: .timeout, reason: what + (hasClosedInput ? ", and has closed its input" : ""))
    }

    private func throttled(_ nanoseconds: Int64, _ now: Int64) {
        setup.counts.change { $0.throttledNanoseconds += nanoseconds }
        // It is we who keep it waiting.
        if stalledSince != nil { stalledSince = now }
    }

    // MARK: What it gets

    private func write() {
        guard let job, written < job.bytes.count else { return }
        let count = job.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                SkeinPlatform.write(process.input, $0 + written, bytes.count - written)
            } ?? 0
        }
        if count > 0 {
            written += count
            while given < job.ends.count, job.ends[given] <= written { given += 1 }
        } else if errno == EPIPE {
            // It may be about to end; if it is not, that is found out by the time that passes.
            hasClosedInput = true
        }
    }

    /// Without acknowledgements an event counts once it is read.
    private func noteRead(_ now: Int64) {
        guard let job, written > 0 else { return }
        let consumed = consumedBytes
        let before = taken
        while taken < job.ends.count, job.ends[taken] <= consumed { taken += 1 }
        if taken > before {
            hasTaken = true
            stalledSince = now
        }
    }

    // MARK: What it writes

    /// - Returns: whether there was something.
    @discardableResult
    private func readOutput(_ now: Int64) throws(Failure) -> Bool {
        try readSome(process.output) { bytes throws(Failure) in
            if setup.speaks {
                output.append(bytes)
                try takeOutput(now)
            } else {
                logLimit.pass(bytes.count)
                log.append(bytes, now: now, say: say)
            }
        } onEnd: {
            isOutputOpen = false
        }
    }

    private func readErrors(_ now: Int64) {
        do throws(Failure) {
            _ = try readSome(process.errors) { bytes in
                logLimit.pass(bytes.count)
                log.append(bytes, now: now, say: say)
            } onEnd: {
                isErrorOpen = false
            }
        } catch {}
    }

    /// - Returns: whether there was something.
    private func readSome(
        _ descriptor: Int32, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void, onEnd: () -> Void
    ) throws(Failure) -> Bool {
        guard descriptor >= 0 else { return false }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
        defer { buffer.deallocate() }
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        if count > 0 {
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return true
        }
        if count == 0 || (errno != EAGAIN && errno != EINTR) { onEnd() }
        return false
    }

    private func takeOutput(_ now: Int64) throws(Failure) {
        do throws(ProcessorOutput.Garbage) {
            while waitingAnswer == nil, answerLimit.mayPass(now), let item = try output.next() {
                try take(item, now)
            }
        } catch {
            throw Failure(kind: .garbage, reason: error.reason)
        }
        if answersSinceTaken > Self.mostAnswersUntaken, setup.isAcknowledged {
            throw Failure(
                kind: .flood, reason: "it answered \(answersSinceTaken) times without taking an event")
        }
    }

    private func take(_ item: ProcessorOutput.Item, _ now: Int64) throws(ProcessorOutput.Garbage) {
        switch item {
        case .document(let bytes):
            guard setup.limits.takesAnswers else { return setup.counts.change { $0.unasked += 1 } }
            answerLimit.pass(1)
            answersSinceTaken += 1
            waitingAnswer = bytes
            offerWaiting()
        case _ where !setup.isAcknowledged:
            setup.counts.change { $0.unasked += 1 }
        case .acknowledge(let number): try pass(number, now)
        case .refuse(let number, let reason):
            guard number > 0 else { throw .init(reason: "it refused what it was not given") }
            try checkGiven(number)
            try pass(number - 1, now)
            guard job != nil, number == before + UInt64(taken) + 1 else { return }
            refusals.append(.init(index: taken, reason: reason))
            try pass(number, now)
        case .again(let number, let reason):
            guard number > 0 else { throw .init(reason: "it put off what it was not given") }
            try pass(number - 1, now)
            try checkGiven(number)
            again = (number, reason)
            if stalledSince != nil { stalledSince = now }
            setup.counts.change {
                $0.again += 1
                $0.complaint = reason
            }
        }
    }

    /// It has taken everything up to a number.
    private func pass(_ number: UInt64, _ now: Int64) throws(ProcessorOutput.Garbage) {
        if number > 0 { try checkGiven(number) }
        // What was told already is no news.
        guard job != nil, number > before + UInt64(taken) else { return }
        taken = Int(number - before)
        hasTaken = true
        stalledSince = now
        again = nil
        answersSinceTaken = 0
        setup.counts.change { $0.complaint = nil }
    }

    private func checkGiven(_ number: UInt64) throws(ProcessorOutput.Garbage) {
        let known = before + UInt64(job == nil ? 0 : given)
        guard number <= known else {
            throw .init(reason: "its verdict is over document \(number), and it was given \(known)")
        }
    }

    private func offerWaiting() {
        guard let bytes = waitingAnswer else { return }
        if setup.answers.offer(.init(outlet: setup.name, bytes: bytes)) { waitingAnswer = nil }
    }

    private func say(_ line: String) {
        setup.warner.log.write(.warning, "\(setup.name): \(line)")
    }

    var lastLine: String { log.lastLine }

    private func tellLines() {
        guard (log.lines, log.leftOut) != toldLines else { return }
        let (lines, leftOut) = (log.lines - toldLines.0, log.leftOut - toldLines.1)
        toldLines = (log.lines, log.leftOut)
        setup.counts.change {
            $0.logLines += lines
            $0.logLinesLeftOut += leftOut
        }
    }

    // MARK: Its end

    func closeInput() { process.closeInput() }

    func signal(_ number: Int32) { process.signalGroup(number) }

    /// Ends it and its group, and waits until it has.
    func kill() {
        process.signalGroup(SIGKILL)
        _ = process.wait(until: SystemClock.monotonicNanoseconds() + 5_000_000_000)
    }

    /// It has ended: takes what it left in its pipes, as fast as that may come.
    /// - Returns: whether more may be there.
    private func drain(_ now: Int64) throws(Failure) -> Bool {
        if setup.speaks {
            try takeOutput(now)
            if waitingAnswer != nil || !answerLimit.mayPass(now) { return true }
        }
        // A pipe holds less; only who is in nobody's group goes on writing to it.
        drainedReads += 1
        guard isOutputOpen, drainedReads <= 64 else { return false }
        return try readOutput(now)
    }

    /// Reads what is left for people, once it has ended.
    func finish() -> ChildProcess.End {
        let now = SystemClock.monotonicNanoseconds()
        do throws(Failure) {
            // A pipe holds so much at most, unless somebody else writes on.
            for _ in 0..<16 {
                let hadMore = try readSome(process.errors) {
                    log.append($0, now: now, say: say)
                } onEnd: {
                }
                if !hadMore { break }
            }
        } catch {}
        log.finish(now: now, say: say)
        tellLines()
        if written > 0 || before > 0 { hasReadAnything = before > 0 || consumedBytes > 0 }
        if !setup.isAcknowledged { noteRead(now) }
        return process.wait(until: now + 5_000_000_000) ?? .signalled(SIGKILL)
    }
}
