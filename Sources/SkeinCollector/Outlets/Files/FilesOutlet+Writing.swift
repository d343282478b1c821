import SkeinArchive
import SkeinBSON
import SkeinPlatform

extension FilesOutlet {
    func flush() throws(OutletFailure) {
        guard !waiting.isEmpty else { return }
        defer { waiting.removeAll { files.slots[$0].used == 0 } }
        try writeOut(waiting)
        large.removeAll(keepingCapacity: true)
    }

    func relieve() throws(OutletFailure) {
        guard !large.isEmpty else { return }
        defer { waiting.removeAll { files.slots[$0].used == 0 } }
        try writeOut(large)
        large.removeAll(keepingCapacity: true)
    }

    /// Writes what some slots hold. What was written when it throws is not held any more.
    private func writeOut(_ indices: [Int]) throws(OutletFailure) {
        for index in indices where files.slots[index].descriptor < 0 { try reopen(index) }
        try note(indices.filter { !files.slots[$0].isNoted && files.slots[$0].noteReplaces }, replaces: true)
        try note(indices.filter { !files.slots[$0].isNoted }, replaces: false)
        for index in indices where files.slots[index].used > 0 {
            // Opening many files above may have closed the first of them again.
            if files.slots[index].descriptor < 0 { try reopen(index) }
            try write(index)
        }
    }

    /// Makes durable how long some files are, before they are written to.
    func note(_ indices: [Int], replaces: Bool) throws(OutletFailure) {
        guard !indices.isEmpty else { return }
        var lengths = BSONDocument()
        for index in indices { lengths.append(files.paths[index], .int64(Int64(files.slots[index].length))) }
        let note: BSONDocument = ["files": .document(lengths), "replaced": .bool(replaces)]
        do {
            try checkpointFile.note(note)
        } catch {
            throw .unavailable("cannot write \(checkpointFile.path): \(error)")
        }
        if checkpoint != nil { notesSince.append(note) }
        for index in indices {
            files.slots[index].isNoted = true
            files.slots[index].noteReplaces = false
            notedPaths.insert(files.paths[index])
        }
    }

    /// Writes what a slot holds, comparing first where an earlier life of the process wrote already.
    private func write(_ index: Int) throws(OutletFailure) {
        let slot = files.slots + index
        guard let buffer = slot.pointee.buffer else { return }
        let total = slot.pointee.used
        if !slot.pointee.isDirty {
            slot.pointee.isDirty = true
            dirty.append(index)
        }
        days[slot.pointee.day]?.writtenAfter = checkpointsBegun
        var done = 0
        while done < total && slot.pointee.verifyEnd > slot.pointee.length {
            done += try compare(index, UnsafeRawBufferPointer(start: buffer + done, count: total - done))
        }
        if done < total {
            let written = SkeinPlatform.write(slot.pointee.descriptor, buffer + done, total - done)
            guard written == total - done else {
                let error = written < 0 ? SystemError.current : SystemError(code: ENOSPC)
                // The file ends with a whole event again, for whoever reads it meanwhile.
                if written > 0 { _ = ftruncate(slot.pointee.descriptor, off_t(slot.pointee.length)) }
                drop(done, of: slot)
                if error.code == EINTR { return try write(index) }
                throw .unavailable("cannot write \(ArchivePath.join(root, files.paths[index])): \(error)")
            }
            slot.pointee.length += written
            slot.pointee.writeBehind()
        }
        heldBytes -= slot.pointee.used
        slot.pointee.used = 0
        // Once a large batch is through, its memory is not kept for a file that is written to little.
        if slot.pointee.capacity > 4 << 20 { slot.pointee.freeBuffer() }
    }

    /// Takes bytes off the front of a buffer.
    private func drop(_ count: Int, of slot: UnsafeMutablePointer<FileSlot>) {
        guard count > 0, let buffer = slot.pointee.buffer else { return }
        memmove(buffer, buffer + count, slot.pointee.used - count)
        slot.pointee.used -= count
        heldBytes -= count
    }

    /// Compares bytes to be written with what the file has there.
    /// - Returns: how many are in the file for good.
    private func compare(_ index: Int, _ bytes: UnsafeRawBufferPointer) throws(OutletFailure) -> Int {
        let slot = files.slots + index
        let wanted = min(bytes.count, slot.pointee.verifyEnd - slot.pointee.length, 256 << 10)
        let (same, failure) = withUnsafeTemporaryAllocation(byteCount: wanted, alignment: 16) {
            scratch -> (Int, SystemError?) in
            var count = 0
            while count < wanted {
                let got = pread(
                    slot.pointee.descriptor, scratch.baseAddress.map { $0 + count }, wanted - count,
                    off_t(slot.pointee.length + count))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { return (0, .current) }
                if got == 0 { break }
                count += got
            }
            guard let found = scratch.baseAddress, let wanted = bytes.baseAddress else { return (0, nil) }
            if memcmp(found, wanted, count) == 0 { return (count, nil) }
            return (zip(scratch[..<count], bytes).prefix { $0 == $1 }.count, nil)
        }
        if let failure { throw .unavailable("cannot read \(files.paths[index]): \(failure)") }
        slot.pointee.length += same
        if same < wanted {
            guard ftruncate(slot.pointee.descriptor, off_t(slot.pointee.length)) == 0 else {
                throw .unavailable("cannot cut \(files.paths[index]): \(SystemError.current)")
            }
            figures.truncated += 1
            warner.warn(
                "cut",
                "\(files.paths[index]) differs from the journal from byte \(slot.pointee.length): cut there")
            slot.pointee.verifyEnd = 0
        }
        return same
    }

    // MARK: What a crash left

    func caughtUp() throws(OutletFailure) {
        try flush()
        for index in files.indices
        where files.slots[index].isUsed && files.slots[index].verifyEnd > files.slots[index].length {
            if files.slots[index].descriptor < 0 { try reopen(index) }
            let slot = files.slots + index
            slot.pointee.length = settleTail(
                slot.pointee.descriptor, files.paths[index], from: slot.pointee.length,
                to: slot.pointee.verifyEnd)
            slot.pointee.verifyEnd = 0
        }
        for (path, length) in resumed {
            let descriptor = SkeinPlatform.open(
                ArchivePath.join(root, path), O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { _ = SkeinPlatform.close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0, Int(status.st_size) > length else { continue }
            _ = settleTail(descriptor, path, from: length, to: Int(status.st_size))
        }
        resumed = [:]
        trustsFiles = true
    }

    /// Cuts a torn document off the end of what the journal did not give again. Whole ones stay: they were written
    /// once, and nothing else has them any more.
    /// - Returns: where the file ends.
    private func settleTail(_ descriptor: Int32, _ path: String, from start: Int, to end: Int) -> Int {
        var position = start
        while position < end {
            var word: UInt32 = 0
            guard pread(descriptor, &word, 4, off_t(position)) == 4 else { break }
            let length = Int(UInt32(littleEndian: word))
            guard length >= 5, length <= end - position else { break }
            var last: UInt8 = 1
            guard pread(descriptor, &last, 1, off_t(position + length - 1)) == 1, last == 0 else { break }
            position += length
        }
        if position < end, ftruncate(descriptor, off_t(position)) == 0 {
            figures.torn += 1
            warner.warn("torn", "\(path) ended in a torn event of \(end - position) bytes: cut off")
        }
        return position
    }
}
