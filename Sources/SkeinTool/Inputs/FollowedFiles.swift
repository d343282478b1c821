import SkeinArchive
import SkeinPlatform

/// Files that grow, read as they do. One that shrinks was begun anew, and is read from its start; one that was replaced
/// is read to its end, and then the new one.
final class FollowedFiles {
    private struct Followed {
        var file: EventFile
        var scanner: EventScanner
    }

    private let stored: StoredEvents
    /// Lists the files there are now.
    private let list: () throws(ToolFailure) -> [EventFile]
    private var followed: [String: Followed] = [:]
    private var order: [String] = []

    init(_ stored: StoredEvents, list: @escaping () throws(ToolFailure) -> [EventFile]) {
        self.stored = stored
        self.list = list
    }

    /// Reads until the user ends it.
    func run() throws(ToolFailure) {
        var rounds = 0
        while !stored.console.isInterrupted() {
            // New files are looked for each second, growing ones five times as often.
            if rounds % 5 == 0 { try lookForNew() }
            rounds += 1
            for path in order {
                guard let entry = followed[path] else { continue }
                try stored.drain(entry.scanner)
                try reopenIfReplaced(path, entry)
            }
            try stored.pipeline.idle()
            // Sleeps, and wakes for Ctrl-C.
            _ = poll(nil, 0, 200)
        }
        for path in order { followed[path]?.scanner.reader.finish() }
    }

    private func lookForNew() throws(ToolFailure) {
        for file in try list() where followed[file.path] == nil {
            do throws(ArchiveError) {
                open(try file.open(), file)
            } catch {
                // It may come later; said once, by the empty place.
                if !error.isMissing { throw ToolFailure.failed(error.message) }
                if rememberMissing(file.path) {
                    stored.console.complain("skein: waiting for \(SafeText.of(file.path))")
                }
            }
        }
    }

    private var missing: Set<String> = []

    private func rememberMissing(_ path: String) -> Bool { missing.insert(path).inserted }

    private func open(_ reader: DocumentReader, _ file: EventFile) {
        reader.isGrowing = true
        if followed[file.path] == nil { order.append(file.path) }
        followed[file.path] = Followed(
            file: file,
            scanner: EventScanner(
                reader, fallback: file.fallback, selection: stored.pipeline.selection, damage: stored.damage))
    }

    private func reopenIfReplaced(_ path: String, _ entry: Followed) throws(ToolFailure) {
        guard path != "-" else { return }
        var opened = stat()
        var named = stat()
        guard fstat(entry.scanner.reader.descriptor, &opened) == 0, stat(path, &named) == 0 else { return }
        let isReplaced = opened.st_ino != named.st_ino || opened.st_dev != named.st_dev
        let reader = entry.scanner.reader
        let isShorter = !reader.hasCompressed && Int(opened.st_size) < reader.position
        guard isReplaced || isShorter else { return }
        do throws(ArchiveError) {
            let anew = try DocumentReader(path: path)
            if isReplaced { reader.finish() }
            stored.console.complain(
                "skein: \(SafeText.of(path)) was \(isReplaced ? "replaced" : "cut short"); reading it from its start"
            )
            open(anew, entry.file)
        } catch {
            if !error.isMissing { throw ToolFailure.failed(error.message) }
        }
    }
}
