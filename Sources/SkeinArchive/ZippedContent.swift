import SkeinPlatform

/// What a zipped file unzips to: read to its end, with every frame's own checksum verified.
struct ZippedContent {
    /// Bytes of content.
    private(set) var length = 0
    /// The CRC32C of the content behind the bytes that were to be skipped.
    private(set) var checksum: UInt32 = 0

    /// - Throws: ``ArchiveError/Code/corrupt`` if anything in the file is no whole zstd frame.
    init(of path: String, skipping: Int = 0) throws(ArchiveError) {
        let file = try FileInput(path: path, offset: 0)
        let decoder = try ZstdDecoder()
        var window = ByteWindow(capacity: ByteFeed.readBytes)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteFeed.readBytes, alignment: 16)
        defer { room.deallocate() }
        var crc = CRC32C()
        var isInsideFrame = false
        while true {
            if window.count == 0 {
                let count = try file.fetch(into: window.room(atLeast: 1), name: path)
                if count == 0 { break }
                window.didAppend(count)
            }
            let step: ZstdDecoder.Step
            do throws(ArchiveError) {
                step = try decoder.step(from: window.bytes, into: room)
            } catch {
                throw ArchiveError(error.code, "\(path) is damaged: \(error.message)")
            }
            window.drop(step.consumed)
            isInsideFrame = !step.isFrameEnd
            let skipped = min(max(skipping - length, 0), step.produced)
            crc.update(UnsafeRawBufferPointer(rebasing: room[skipped..<step.produced]))
            length += step.produced
        }
        guard !isInsideFrame else {
            throw ArchiveError(.corrupt, "\(path) is damaged: it ends inside a compressed frame")
        }
        checksum = crc.value
    }
}
