import Skein
import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// `skein ingest`: makes events of lines and delivers them to a collector.
struct IngestVerb: Verb {
    static let help = Help.ingest

    private let options: IngestOptions
    private let console: Console
    private let recorder: LineRecorder
    private let pipeline: Skein.EventPipeline
    private let progress: Progress

    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        let given = try CommandLineOptions.read("ingest", arguments, IngestOptions.all)
        if given.has(.help) {
            try console.output.writeLine(help)
            return ExitCode.done
        }
        let options = try IngestOptions(given)
        let verb = try IngestVerb(options, console)
        console.catchInterrupt()
        if options.files.isEmpty { try verb.readInput() } else { try verb.followFiles() }
        return try verb.finish()
    }

    private init(_ options: IngestOptions, _ console: Console) throws(ToolFailure) {
        self.options = options
        self.console = console
        let endpoint: String
        if let given = options.endpointText {
            endpoint = given
        } else {
            endpoint = try Self.endpoint(options.address, console)
        }
        var configuration = Skein.EventPipeline.Configuration(
            endpoint: endpoint, service: options.serviceName, spool: options.spoolPath)
        // One thread writes, and none opens a context.
        configuration.shards = 1
        configuration.openContextSlots = 0
        configuration.onWarning = { StandardError.writeLine("skein: \($0)") }
        do throws(EventConfigurationError) {
            pipeline = try Skein.EventPipeline(configuration)
        } catch {
            throw .usage(SafeText.of(error.message))
        }
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let host = isKnown && !text.isEmpty ? String(decoding: text, as: UTF8.self) : "localhost"
        recorder = LineRecorder(
            pipeline, options.format, service: options.serviceName, host: host, console: console)
        progress = Progress(console, sharesScreen: false)
    }

    /// Where the daemon takes deliveries.
    private static func endpoint(
        _ address: ControlAddress, _ console: Console
    ) throws(ToolFailure) -> String {
        let context: ZMQContext
        do throws(ZMQError) {
            context = try ZMQContext()
        } catch {
            throw .failed("\(error)")
        }
        let answer = try ControlClient(address, .none, context: context, console: console)
            .ask("SOCK_DELIVER", timeout: .seconds(5))
        guard let port = answer["port"]?.intValue.flatMap({ UInt16(exactly: $0) }), port > 0 else {
            throw .failed("the daemon at \(address) takes no deliveries: give --endpoint")
        }
        return "deliver" + address.endpoint(port: port).dropFirst(3)
    }

    // MARK: Standard input

    private func readInput() throws(ToolFailure) {
        var splitter = LineSplitter()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        func take(_ line: LineSplitter.Line) throws(ToolFailure) {
            try recorder.take(line, type: options.type, file: nil)
        }
        while !console.isInterrupted() {
            let count = read(console.input, buffer.baseAddress, buffer.count)
            if count < 0 {
                let failure = SystemError.current
                if failure.code == EINTR { continue }
                throw .failed("cannot read standard input: \(failure)")
            }
            if count == 0 { break }
            try splitter.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]), take)
            showProgress()
        }
        try splitter.finish(take)
    }

    // MARK: Files

    private func followFiles() throws(ToolFailure) {
        if let spool = options.spoolPath { try Self.makeFolder(spool) }
        var state: PositionFile?
        if let path = options.statePath { state = try PositionFile(path) }
        var logs: [(log: FollowedLog, slot: Int)] = []
        for file in options.files {
            let log = FollowedLog(path: file.path, type: file.type, console: console)
            var slot = 0
            var positions: LogPositions?
            if let state { (slot, positions) = try state.slot(for: Self.fullPath(file.path)) }
            log.begin(positions, fromStart: options.startsAtStart)
            logs.append((log, slot))
            // From here on is remembered, whether or not a line comes.
            if positions == nil, log.positions.current != nil { try state?.write(slot, log.positions) }
        }
        // What is recorded into a spool is safe from a kill; what is in memory once it is acknowledged.
        let isSafeAtOnce = options.spoolPath != nil
        var confirmations: [(lines: UInt64, positions: [LogPositions])] = []
        func confirm() throws(ToolFailure) {
            guard let state, !isSafeAtOnce else { return }
            let gone = recorder.settle()
            var last: [LogPositions]?
            while let first = confirmations.first, first.lines <= gone {
                last = first.positions
                confirmations.removeFirst()
            }
            for (log, positions) in zip(logs, last ?? []) { try state.write(log.slot, positions) }
        }
        while !console.isInterrupted() {
            var hasRead = false
            for (log, slot) in logs {
                let before = recorder.lines
                let didRead = try log.turn { line throws(ToolFailure) in
                    try recorder.take(line, type: log.type, file: log.path)
                    if isSafeAtOnce { try state?.write(slot, log.positions) }
                }
                if didRead {
                    hasRead = true
                    if isSafeAtOnce, recorder.lines != before { try state?.write(slot, log.positions) }
                }
            }
            if hasRead, state != nil, !isSafeAtOnce {
                confirmations.append((recorder.lines, logs.map(\.log.positions)))
            }
            try confirm()
            showProgress()
            // Sleeps, and wakes for Ctrl-C.
            if !hasRead { _ = poll(nil, 0, 100) }
        }
        if !isSafeAtOnce {
            _ = pipeline.flushBlocking(timeout: options.patience)
            try confirm()
        }
    }

    private static func makeFolder(_ path: String) throws(ToolFailure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .failed("cannot make \(SafeText.of(path)): \(SystemError.current)")
        }
    }

    /// The name under which a file's place is kept.
    private static func fullPath(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }

    // MARK: The end

    private func showProgress() {
        progress.show {
            let waiting = recorder.waiting
            return "\(Quantity.count(Int(clamping: recorder.lines))) lines,"
                + " \(Quantity.bytes(Int(clamping: recorder.bytes)))"
                + (waiting > 0 ? ", \(Quantity.count(Int(clamping: waiting))) not acknowledged" : "")
        }
    }

    /// Waits until all is acknowledged, and says what became of it.
    private func finish() throws(ToolFailure) -> Int32 {
        let deadline = SystemClock.monotonicNanoseconds() + Self.nanoseconds(options.patience)
        while !pipeline.flushBlocking(timeout: .milliseconds(200)) {
            showProgress()
            guard SystemClock.monotonicNanoseconds() < deadline else { break }
        }
        progress.clear()
        recorder.settle()
        var code = ExitCode.done
        let waiting = recorder.waiting
        if waiting > 0 {
            if let spool = options.spoolPath {
                console.complain(
                    "skein: \(Quantity.plural(Int(clamping: waiting), "event")) not acknowledged yet: kept in \(SafeText.of(spool)) for the next run"
                )
            } else {
                console.complain(
                    "skein: \(Quantity.plural(Int(clamping: waiting), "event")) not acknowledged within \(Quantity.duration(options.patience / .seconds(1))), and lost; --spool DIR would keep them"
                )
                code = ExitCode.nothing
            }
        }
        for (reason, count) in recorder.dropped.sorted(by: { $0.key < $1.key }) where count > 0 {
            console.complain("skein: \(Quantity.plural(Int(clamping: count), "event")) dropped: \(reason)")
            code = ExitCode.nothing
        }
        for (count, what) in [
            (recorder.unmatched, "not as --match or --json says: kept whole, with unmatched: true"),
            (recorder.cut, "cut at 64 KiB"),
        ] where count > 0 {
            console.complain("skein: \(Quantity.plural(Int(clamping: count), "line")) \(what)")
            code = ExitCode.nothing
        }
        if options.files.isEmpty, recorder.lines == 0 {
            console.complain("skein: no lines")
            code = ExitCode.nothing
        }
        return code
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
    }
}
