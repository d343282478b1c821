import CSkeinZstd
import SkeinPlatform

/// One zstd frame being written, with its length in the header and a checksum at its end.
final class ZstdEncoder {
    private let context: OpaquePointer

    /// - Parameters:
    ///   - level: 1 (fast) to 19 (small).
    ///   - length: bytes to come; the frame cannot be finished with another number.
    init(level: Int32, length: Int) throws(ArchiveError) {
        guard let context = ZSTD_createCCtx() else {
            throw ArchiveError("allocate an encoder", "of zstd", SystemError(code: ENOMEM))
        }
        self.context = context
        for result in [
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level),
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1),
            ZSTD_CCtx_setPledgedSrcSize(context, UInt64(length)),
        ] {
            try Self.check(result)
        }
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    /// Compresses a piece and hands what comes out to `output`, in pieces that fit `room`.
    func compress(
        _ piece: UnsafeRawBufferPointer, isLast: Bool, room: UnsafeMutableRawBufferPointer,
        _ output: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var source = ZSTD_inBuffer(src: piece.baseAddress, size: piece.count, pos: 0)
        while true {
            var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let left = ZSTD_compressStream2(context, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue)
            try Self.check(left)
            try output(UnsafeRawBufferPointer(rebasing: room[..<target.pos]))
            if isLast ? left == 0 : source.pos == source.size { return }
        }
    }

    private static func check(_ result: Int) throws(ArchiveError) {
        guard ZSTD_isError(result) == 0 else {
            throw ArchiveError(.corrupt, "zstd: \(String(cString: ZSTD_getErrorName(result)))")
        }
    }
}
