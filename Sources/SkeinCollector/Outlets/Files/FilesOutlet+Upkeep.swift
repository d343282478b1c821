import SkeinArchive
import SkeinPlatform

extension FilesOutlet {
    func tick(now: Int64) throws(OutletFailure) {
        try findMoved(now)
        for day in days { day?.refusals.removeAll() }
        let idle = settings.idle.wholeNanoseconds
        remove { slot in
            slot.used == 0 && !slot.isDirty && slot.verifyEnd <= slot.length && now - slot.lastUse >= idle
        }
    }

    func rotate() throws(OutletFailure) {
        try flush()
        remove { _ in true }
    }

    /// Closes files and forgets them, and the days that have none left.
    private func remove(_ isOver: (FileSlot) -> Bool) {
        var removed: Set<Int32> = []
        for index in files.indices where files.slots[index].isUsed && isOver(files.slots[index]) {
            let slot = files.slots[index]
            if slot.descriptor >= 0 { openFiles -= 1 }
            if slot.isDirty {
                // Its bytes still have to be made durable by the next checkpoint.
                let descriptor = slot.descriptor >= 0 ? slot.descriptor : openToSync(files.paths[index])
                if descriptor >= 0 { closedDirty.append(descriptor) }
                files.slots[index].descriptor = -1
            }
            heldBytes -= slot.used
            removed.insert(Int32(index))
            files.remove(index)
        }
        guard !removed.isEmpty else { return }
        waiting.removeAll { removed.contains(Int32($0)) }
        large.removeAll { removed.contains(Int32($0)) }
        dirty.removeAll { removed.contains(Int32($0)) }
        for index in days.indices {
            guard let day = days[index] else { continue }
            day.forget(removed)
            let isInUse = files.indices.contains { files.slots[$0].isUsed && files.slots[$0].day == index }
            if !isInUse { forgetDay(index) }
        }
    }

    /// Goes on with a new file where somebody moved or removed the one that was written to in the last seconds.
    private func findMoved(_ now: Int64) throws(OutletFailure) {
        for index in files.indices {
            let slot = files.slots[index]
            guard slot.isUsed, slot.descriptor >= 0, now - slot.lastUse < 3_000_000_000 else { continue }
            var status = stat()
            let isThere = stat(ArchivePath.join(root, files.paths[index]), &status) == 0
            if isThere, UInt64(status.st_ino) == slot.inode, UInt64(status.st_dev) == slot.device { continue }
            guard isThere || errno == ENOENT else { continue }
            // The old file's bytes still count for the checkpoint.
            if slot.isDirty {
                closedDirty.append(slot.descriptor)
            } else {
                _ = SkeinPlatform.close(slot.descriptor)
            }
            openFiles -= 1
            files.slots[index].descriptor = -1
            let (descriptor, opened) = try openDescriptor(files.paths[index], day: slot.day)
            files.slots[index].descriptor = descriptor
            replace(index, opened)
        }
    }
}
