import SkeinPlatform

/// Zipping: `<type>-<day>.bson` becomes `<type>-<day>.bson.zst`.
///
/// Events that came after an earlier zip of the same type and day are added to the zipped file as a further frame. The
/// zipped file is written under another name, synced, read back and compared before it takes its place; only
/// then does the original go. At every instant, also after a crash, readers see each event exactly once
/// (`ZipMark`).
public struct ArchiveZip {
    /// What was done with one file.
    public struct Outcome: Hashable, Sendable {
        /// How it ended.
        public enum Kind: Hashable, Sendable {
            /// Its events are in the zipped file now, and the original is gone.
            case zipped
            /// An earlier zip had been cut short before it removed the original.
            case finished
            /// There was nothing in it.
            case empty
        }
        /// How it ended.
        public var kind: Kind
        /// Bytes of the original.
        public var bytesBefore: Int
        /// Bytes it takes in the zipped file.
        public var bytesAfter: Int
    }

    /// zstd's level, 1 (fast) to 19 (small).
    public var level: Int32
    /// Told how many more bytes of originals were compressed, every 256 KiB.
    public var onProgress: ((Int) -> Void)?

    /// - Parameters:
    ///   - level: zstd's, 1 (fast) to 19 (small).
    ///   - onProgress: called on the thread that zips, with how many more bytes were compressed.
    public init(level: Int32 = 6, onProgress: ((Int) -> Void)? = nil) {
        self.level = level
        self.onProgress = onProgress
    }

    /// Zips one file. The caller holds the day's lock exclusively.
    /// - Throws: ``ArchiveError/Code/corrupt`` if the zipped file beside it is damaged or what was written reads back
    ///   otherwise, ``ArchiveError/Code/locked`` if the original changed meanwhile; the original stays then.
    public func zip(_ file: ArchiveFile) throws(ArchiveError) -> Outcome {
        let source = try FileInput(path: file.path, offset: 0)
        let before = try status(source.descriptor, file.path)
        guard before.st_size > 0 else { return Outcome(kind: .empty, bytesBefore: 0, bytesAfter: 0) }
        let length = Int(before.st_size)

        if try ZipMark.coveredBytes(of: file.path, by: file.zippedPath) == length {
            try remove(file.path)
            return Outcome(kind: .finished, bytesBefore: length, bytesAfter: 0)
        }

        let temporary = ArchivePath.join(
            file.folder, ".\(file.stem)-\(file.day)\(ArchiveFile.Form.zipped.ending)\(Self.temporaryEnding)")
        do throws(ArchiveError) {
            let written = try write(source, length: length, file: file, status: before, to: temporary)
            let after = try status(source.descriptor, file.path)
            guard after.st_size == before.st_size, after.modified == before.modified else {
                throw ArchiveError(
                    .locked, "\(file.path) was written while it was zipped; it was left as it is")
            }
            guard rename(temporary, file.zippedPath) == 0 else {
                throw ArchiveError("rename to", file.zippedPath, .current)
            }
            try syncFolder(file.folder)
            try remove(file.path)
            return Outcome(kind: .zipped, bytesBefore: length, bytesAfter: written)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    static let temporaryEnding = ".tmp"

    /// Writes what the zipped file holds already, a frame of the source, and the mark; syncs and verifies it.
    /// - Returns: bytes of frame and mark.
    private func write(
        _ source: borrowing FileInput, length: Int, file: ArchiveFile, status: stat, to temporary: String
    ) throws(ArchiveError) -> Int {
        let kept = try existing(file.zippedPath)
        unlink(temporary)
        var output = try FileOutput(path: temporary, like: status)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteFeed.readBytes, alignment: 16)
        let zipped = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteFeed.readBytes, alignment: 16)
        defer {
            room.deallocate()
            zipped.deallocate()
        }
        if kept.bytes > 0 {
            let old = try FileInput(path: file.zippedPath, offset: 0)
            while case let count = try old.fetch(into: room, name: file.zippedPath), count > 0 {
                try output.write(UnsafeRawBufferPointer(rebasing: room[..<count]))
            }
        }

        let encoder = try ZstdEncoder(level: level, length: length)
        var checksum = CRC32C()
        var left = length
        while left > 0 {
            let count = try source.fetch(
                into: UnsafeMutableRawBufferPointer(rebasing: room[..<min(left, room.count)]), name: file.path
            )
            guard count > 0 else {
                throw ArchiveError(.locked, "\(file.path) shrank while it was zipped; it was left as it is")
            }
            left -= count
            let piece = UnsafeRawBufferPointer(rebasing: room[..<count])
            checksum.update(piece)
            try encoder.compress(piece, isLast: left == 0, room: zipped) { out throws(ArchiveError) in
                try output.write(out)
            }
            onProgress?(count)
        }
        let mark = ZipMark(length: UInt64(length), checksum: checksum.value)
        try output.write(mark.bytes)
        try output.sync()

        let read = try ZippedContent(of: temporary, skipping: kept.content)
        guard read.length == kept.content + length, read.checksum == checksum.value else {
            throw ArchiveError(
                .corrupt,
                "\(temporary) reads back otherwise than it was written; \(file.path) was left as it is")
        }
        return output.count - kept.bytes
    }

    /// What is zipped already: its bytes and what they unzip to.
    private func existing(_ path: String) throws(ArchiveError) -> (bytes: Int, content: Int) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            let failure = SystemError.current
            if failure.code == ENOENT { return (0, 0) }
            throw ArchiveError("look at", path, failure)
        }
        return (Int(status.st_size), try ZippedContent(of: path).length)
    }

    private func status(_ descriptor: Int32, _ path: String) throws(ArchiveError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ArchiveError("look at", path, .current) }
        return status
    }

    private func remove(_ path: String) throws(ArchiveError) {
        guard unlink(path) == 0 else { throw ArchiveError("remove", path, .current) }
    }

    /// Makes a rename durable.
    private func syncFolder(_ folder: String) throws(ArchiveError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ArchiveError("open", folder, .current) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ArchiveError("sync", folder, .current) }
    }
}

extension stat {
    /// When the content was last written, in nanoseconds.
    fileprivate var modified: Int64 {
        #if os(Linux)
            Int64(st_mtim.tv_sec) * 1_000_000_000 + Int64(st_mtim.tv_nsec)
        #else
            Int64(st_mtimespec.tv_sec) * 1_000_000_000 + Int64(st_mtimespec.tv_nsec)
        #endif
    }
}
