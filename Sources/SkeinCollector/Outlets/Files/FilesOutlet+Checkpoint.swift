import SkeinArchive
import SkeinBSON
import SkeinPlatform

extension FilesOutlet {
    func beginCheckpoint() throws(OutletFailure) -> Bool {
        guard checkpoint == nil else { return false }
        try flush()
        let job = try makeJob()
        do {
            try syncer.start(job)
        } catch {
            throw .distrusted("cannot start a thread: \(error)")
        }
        var lengths = BSONDocument()
        var paths: [String] = []
        for index in files.indices where files.slots[index].isUsed {
            lengths.append(files.paths[index], .int64(Int64(files.slots[index].length)))
            paths.append(files.paths[index])
        }
        // A file that has not been given again yet keeps its place.
        for (path, length) in resumed {
            lengths.append(path, .int64(Int64(length)))
            paths.append(path)
        }
        checkpoint = (
            details: [
                "files": .document(lengths), "clock_skew": .int64(Int64(figures.clockSkew)),
            ], paths: paths
        )
        notesSince = []
        checkpointsBegun += 1
        return true
    }

    /// Everything that must be durable before the checkpoint is.
    private func makeJob() throws(OutletFailure) -> FileSyncer.Job {
        var job = FileSyncer.Job()
        job.files = closedDirty
        closedDirty = []
        // One call for a whole file system costs less than hundreds of calls, even if others write to it, too.
        let isMany = dirty.count > 256 && FileDurability.canSyncFileSystems
        for index in dirty where !isMany {
            let slot = files.slots[index]
            guard slot.isUsed, slot.isDirty else { continue }
            let descriptor =
                slot.descriptor >= 0
                ? fcntl(slot.descriptor, F_DUPFD_CLOEXEC, 0) : openToSync(files.paths[index])
            guard descriptor >= 0 else {
                let error = SystemError.current
                if error.code == ENOENT { continue }
                for file in job.files { _ = SkeinPlatform.close(file) }
                throw .distrusted("cannot open \(files.paths[index]) to sync it: \(error)")
            }
            job.files.append(descriptor)
        }
        if isMany { job.fileSystem = root }
        for index in dirty { files.slots[index].isDirty = false }
        dirty.removeAll(keepingCapacity: true)
        for day in days.compactMap({ $0 }) where day.hasNewFiles {
            job.folders.append(day.folder)
            day.hasNewFiles = false
        }
        if hasNewDays { job.folders.append(root) }
        hasNewDays = false
        return job
    }

    /// A descriptor that is good for making a closed file's bytes durable; negative if the file is gone.
    func openToSync(_ path: String) -> Int32 {
        SkeinPlatform.open(ArchivePath.join(root, path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    }

    func endCheckpoint(
        _ keep: (BSONDocument, [BSONDocument]) throws(OutletFailure) -> Void
    ) throws(OutletFailure) -> Bool {
        guard let checkpoint, let result = syncer.result() else { return false }
        self.checkpoint = nil
        let notes = notesSince
        notesSince = []
        if case .failure(let error) = result {
            // What the kernel could not write it may forget: nothing written since the last checkpoint is certain.
            trustsFiles = false
            throw .distrusted("cannot sync files below \(root): \(error)")
        }
        try keep(checkpoint.details, notes)
        // There is one at a time, so that it is the last that began.
        checkpointsKept = checkpointsBegun
        uncoveredDays.removeAll { ($0.writtenAfter ?? 0) < checkpointsKept }
        notedPaths = Set(checkpoint.paths)
        for note in notes { notedPaths.formUnion(note["files"]?.documentValue?.keys ?? []) }
        for index in files.indices where files.slots[index].isUsed {
            files.slots[index].isNoted = notedPaths.contains(files.paths[index])
        }
        return true
    }
}
