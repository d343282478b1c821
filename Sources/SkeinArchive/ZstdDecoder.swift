import CSkeinZstd
import SkeinPlatform

/// One zstd decompression stream. Memory is bounded by zstd's default largest window (128 MiB): a frame that
/// asks for more is refused. Checksums, where a frame has them, are verified.
final class ZstdDecoder {
    private let stream: OpaquePointer

    /// What one step did.
    struct Step {
        var consumed: Int
        var produced: Int
        /// A frame is complete and all its bytes are out.
        var isFrameEnd: Bool
    }

    init() throws(ArchiveError) {
        guard let stream = ZSTD_createDStream() else {
            throw ArchiveError("allocate a decoder", "of zstd", SystemError(code: ENOMEM))
        }
        self.stream = stream
    }

    deinit {
        ZSTD_freeDStream(stream)
    }

    /// Forgets a broken frame, so that the next call begins a new one.
    func reset() {
        ZSTD_DCtx_reset(stream, ZSTD_reset_session_only)
    }

    /// Decompresses as much as fits. Skippable frames produce nothing and end like others.
    func step(
        from input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ArchiveError) -> Step {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(result) == 0 else {
            throw ArchiveError(.corrupt, "zstd: \(String(cString: ZSTD_getErrorName(result)))")
        }
        return Step(consumed: source.pos, produced: target.pos, isFrameEnd: result == 0)
    }

    /// Whether these bytes begin a zstd frame or a skippable one. Neither can begin a BSON document: as lengths, their
    /// first four bytes are negative or above 388 MiB.
    static func isFrameStart(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 4 else { return false }
        let magic = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        return magic == frameMagic || magic & 0xFFFF_FFF0 == 0x184D_2A50
    }

    /// Whether these bytes begin a frame with content. For bytes of which it is not known what they are: a skippable
    /// frame found among them by chance could hide 4 GiB.
    static func isContentFrameStart(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 4 && UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == frameMagic
    }

    private static let frameMagic: UInt32 = 0xFD2F_B528
}
