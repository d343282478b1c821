import SkeinArchive
import SkeinPlatform

/// A file to read events from.
struct EventFile {
    var path: String
    /// The time of events that have none.
    var fallback: Double?
    var open: () throws(ArchiveError) -> DocumentReader

    /// A file given by its path; `-` is standard input.
    init(path: String, console: Console) {
        self.path = path
        let input = console.input
        open = { () throws(ArchiveError) in
            path == "-"
                ? DocumentReader(descriptor: input, name: "standard input") : try DocumentReader(path: path)
        }
    }

    /// A file of the archive.
    init(_ file: ArchiveFile) {
        path = file.path
        fallback = file.day.startSeconds
        open = { () throws(ArchiveError) in try file.open() }
    }
}

/// Reads events from files to their ends.
struct StoredEvents {
    let console: Console
    let pipeline: EventPipeline
    let damage: DamageReport
    let progress: Progress

    /// Files read at once when they are merged. More are merged in portions.
    static let mostMerged = 256

    /// One file after the other.
    func read(_ files: [EventFile]) throws(ToolFailure) {
        var bytes = 0
        for file in files {
            guard let scanner = open(file) else { continue }
            try drain(scanner) { bytes + $0 }
            scanner.reader.finish()
            bytes += scanner.reader.position
            if console.isInterrupted() { break }
        }
    }

    /// Files of the same time together, by the events' time, so that the events of a tree come near each other.
    func merge(_ files: [EventFile]) throws(ToolFailure) {
        var merge = EventMerge()
        for file in files {
            guard let scanner = open(file) else { continue }
            try merge.add(scanner)
        }
        var count = 0
        while let scanner = merge.first {
            try pipeline.take(scanner.bytes, scanner.envelope, fallback: scanner.fallback)
            count += 1
            if count & 0xFFF == 0 {
                if console.isInterrupted() { return }
                progress.show { "\(Quantity.count(pipeline.taken)) events" }
            }
            try merge.advance()
        }
    }

    /// Reads until there is nothing more, showing what has come whenever a pipe keeps us waiting.
    func drain(_ scanner: EventScanner, bytesSoFar: (Int) -> Int = { $0 }) throws(ToolFailure) {
        while true {
            if !scanner.reader.hasNext {
                if scanner.mustWait(milliseconds: 0) {
                    try pipeline.idle()
                    while scanner.mustWait(milliseconds: 200) {
                        if console.isInterrupted() { return }
                        try pipeline.idle()
                    }
                }
                if console.isInterrupted() { return }
                progress.show {
                    "\(Quantity.bytes(bytesSoFar(scanner.reader.position))) read, "
                        + "\(Quantity.count(pipeline.taken)) events found"
                }
            }
            switch try scanner.step() {
            case .event: try pipeline.take(scanner.bytes, scanner.envelope, fallback: scanner.fallback)
            case .passed: continue
            case .end: return
            }
        }
    }

    private func open(_ file: EventFile) -> EventScanner? {
        do throws(ArchiveError) {
            return EventScanner(
                try file.open(), fallback: file.fallback, selection: pipeline.selection, damage: damage)
        } catch {
            damage.add(error)
            return nil
        }
    }
}
