import SkeinArchive
import SkeinPlatform

extension FilesOutlet {
    /// Opens the file of a type that has none open, or the day's file for all types beyond the limit.
    @inline(never)
    func openFile(type: UnsafeRawBufferPointer, day index: Int) throws(OutletFailure) -> Int32 {
        guard let day = days[index] else { throw .unavailable("the day is gone") }
        let number = day.types.intern(type)
        if let reason = day.refusals[number] { throw .refused([], reason) }
        let name = ArchivePath.fileName(type: String(decoding: type, as: UTF8.self), day: day.day)
        let path = day.day.description + "/" + name
        let isThere = access(ArchivePath.join(day.folder, name), F_OK) == 0
        if !isThere && day.fileCount >= settings.maximumTypes {
            if day.otherSlot < 0 {
                let other = day.day.description + "/" + ArchivePath.otherFileName(day: day.day)
                day.otherSlot = Int32(try open(other, day: index))
                warner.warn(
                    "types", "more than \(settings.maximumTypes) types on \(day.day): the rest go to \(other)"
                )
            }
            day.set(day.otherSlot, ofType: number)
            return day.otherSlot
        }
        do {
            let slot = Int32(try open(path, day: index))
            if !isThere { day.fileCount += 1 }
            day.set(slot, ofType: number)
            return slot
        } catch {
            if case .refused(_, let reason) = error { day.refusals[number] = reason }
            throw error
        }
    }

    /// Opens a file for a new slot.
    private func open(_ path: String, day: Int) throws(OutletFailure) -> Int {
        let (descriptor, status) = try openDescriptor(path, day: day)
        // On a file system that does not tell case apart, two types have one file.
        let twin = files.indices.first {
            files.slots[$0].isUsed && files.slots[$0].inode == UInt64(status.st_ino)
                && files.slots[$0].device == UInt64(status.st_dev)
        }
        if let twin {
            _ = SkeinPlatform.close(descriptor)
            openFiles -= 1
            return twin
        }
        let index = files.add(path: path)
        let slot = files.slots + index
        slot.pointee.descriptor = descriptor
        slot.pointee.day = day
        slot.pointee.lastUse = SystemClock.monotonicNanoseconds()
        slot.pointee.isNoted = notedPaths.contains(path)
        identify(slot, status)
        resume(slot, path, size: Int(status.st_size))
        return index
    }

    func identify(_ slot: UnsafeMutablePointer<FileSlot>, _ status: stat) {
        slot.pointee.device = UInt64(status.st_dev)
        slot.pointee.inode = UInt64(status.st_ino)
        slot.pointee.length = Int(status.st_size)
        slot.pointee.begun = slot.pointee.length & ~(FileSlot.writeBehind - 1)
        slot.pointee.verifyEnd = 0
    }

    /// Sets where a file goes on: at its end, or, if a crash may have left more than the journal will give again,
    /// at the length it had at the last checkpoint.
    private func resume(_ slot: UnsafeMutablePointer<FileSlot>, _ path: String, size: Int) {
        guard let length = resumed.removeValue(forKey: path) else { return }
        guard length < size else {
            if length > size {
                warner.warn(
                    "short",
                    "\(path) has \(size) bytes and had \(length) at the last checkpoint: somebody cut it")
                slot.pointee.isNoted = false
                slot.pointee.noteReplaces = true
            }
            return
        }
        slot.pointee.length = length
        if trustsFiles {
            slot.pointee.verifyEnd = size
        } else if ftruncate(slot.pointee.descriptor, off_t(length)) != 0 {
            slot.pointee.verifyEnd = size
        }
    }

    /// Opens a file of the archive, making it if need be.
    func openDescriptor(_ path: String, day index: Int) throws(OutletFailure) -> (Int32, stat) {
        if openFiles >= maximumOpenFiles { closeLeastUsed() }
        let full = ArchivePath.join(root, path)
        let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC
        var descriptor = SkeinPlatform.open(full, flags)
        if descriptor < 0 && errno == ENOENT {
            descriptor = SkeinPlatform.open(full, flags | O_CREAT, 0o644)
            if descriptor < 0 && errno == ENOENT {
                // Somebody removed the day's folder.
                try days[index]?.remake()
                hasNewDays = true
                descriptor = SkeinPlatform.open(full, flags | O_CREAT, 0o644)
            }
            days[index]?.hasNewFiles = true
        }
        guard descriptor >= 0 else {
            let error = SystemError.current
            switch error.code {
            case ENAMETOOLONG, EISDIR, ELOOP, EINVAL, EILSEQ, ENXIO:
                throw .refused([], "cannot open \(full): \(error)")
            case EMFILE, ENFILE:
                maximumOpenFiles = max(16, openFiles / 2)
                closeLeastUsed()
                throw .unavailable("cannot open \(full): \(error)")
            default:
                throw .unavailable("cannot open \(full): \(error)")
            }
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = SkeinPlatform.close(descriptor)
            throw .refused([], "\(full) is no regular file")
        }
        openFiles += 1
        return (descriptor, status)
    }

    /// Opens again what was closed to keep within the limit of open files.
    func reopen(_ index: Int) throws(OutletFailure) {
        let slot = files.slots + index
        let (descriptor, status) = try openDescriptor(files.paths[index], day: slot.pointee.day)
        slot.pointee.descriptor = descriptor
        let isSame =
            slot.pointee.inode == UInt64(status.st_ino) && slot.pointee.device == UInt64(status.st_dev)
            && Int(status.st_size) == max(slot.pointee.length, slot.pointee.verifyEnd)
        if !isSame { replace(index, status) }
    }

    /// Goes on with another file of the same name: somebody moved or removed ours, or wrote to it.
    func replace(_ index: Int, _ status: stat) {
        let slot = files.slots + index
        identify(slot, status)
        slot.pointee.isNoted = false
        slot.pointee.noteReplaces = true
        figures.replaced += 1
    }

    /// Closes the least recently used eighth of the files; their slots stay.
    func closeLeastUsed() {
        let open = files.indices
            .filter { files.slots[$0].descriptor >= 0 }
            .sorted { files.slots[$0].lastUse < files.slots[$1].lastUse }
        for index in open.prefix(max(8, open.count / 8)) {
            _ = SkeinPlatform.close(files.slots[index].descriptor)
            files.slots[index].descriptor = -1
            openFiles -= 1
        }
    }
}
