import SkeinArchive

/// `skein archive zip`: day by day, each under its lock.
struct ArchiveZipping {
    private let request: ArchiveVerb.Request
    private let level: Int32
    private let isDryRun: Bool
    private var console: Console { request.console }

    init(_ request: ArchiveVerb.Request, level: Int32, isDryRun: Bool) {
        self.request = request
        self.level = level
        self.isDryRun = isDryRun
    }

    /// - Parameter withOpenDays: whether today and yesterday, to which events still come, are zipped, too.
    func run(withOpenDays: Bool) throws(ToolFailure) -> Int32 {
        let firstOpen = request.today.advanced(by: -1)
        let files = try request.files().filter { file in
            file.form != .zipped && (withOpenDays || file.day < firstOpen)
        }
        var total = Total()
        var start = 0
        while start < files.count {
            let end = files[start...].firstIndex { $0.folder != files[start].folder } ?? files.count
            try zip(files[start..<end], &total)
            start = end
        }
        if total.files > 0 {
            try console.output.writeLine(
                "\(isDryRun ? "would zip" : "zipped") \(Quantity.plural(total.files, "file")), "
                    + Quantity.bytes(total.before)
                    + (isDryRun ? "" : " to " + Quantity.bytes(total.after)))
        } else if total.isWhole {
            try console.output.writeLine("nothing to zip")
        }
        return total.isWhole ? ExitCode.done : ExitCode.nothing
    }

    private struct Total {
        var files = 0
        var before = 0
        var after = 0
        var isWhole = true
    }

    /// The files of one day.
    private func zip(_ files: ArraySlice<ArchiveFile>, _ total: inout Total) throws(ToolFailure) {
        guard let folder = files.first?.folder else { return }
        if isDryRun {
            for file in files {
                total.files += 1
                total.before += file.bytes ?? 0
                try console.output.writeLine("would zip \(SafeText.of(file.path))")
            }
            return
        }
        do throws(ArchiveError) {
            let lock = try DayFolderLock(folder: folder, .exclusive)
            for file in files { zip(file, &total) }
            withExtendedLifetime(lock) {}
        } catch {
            total.isWhole = false
            console.complain("skein archive: " + SafeText.of(error.message))
        }
    }

    private func zip(_ file: ArchiveFile, _ total: inout Total) {
        let progress = Progress(console, sharesScreen: false)
        defer { progress.clear() }
        var done = 0
        let zip = ArchiveZip(level: level) { bytes in
            done += bytes
            progress.show { "\(SafeText.of(file.name)): \(Quantity.bytes(done))" }
        }
        do throws(ArchiveError) {
            let outcome = try zip.zip(file)
            guard outcome.kind != .empty else { return }
            total.files += 1
            total.before += outcome.bytesBefore
            total.after += outcome.bytesAfter
        } catch {
            total.isWhole = false
            console.complain("skein archive: " + SafeText.of(error.message))
        }
    }
}
