import SkeinPlatform

/// The last 32 bytes of a zipped file, by which a zip that was cut short is known.
///
/// Zipping puts the zipped file in place and then removes the original; if the power goes between the two, both
/// are there with the same events. The mark says how long the original was and what its CRC32C is, so readers leave
/// those bytes of the original out, and the next zip removes it.
///
/// It is a skippable frame of zstd, so that `zstd -d` passes over it. Little-endian:
///
/// | offset | type | field |
/// |---|---|---|
/// | 0 | u32 | 0x184D2A5B, a skippable frame |
/// | 4 | u32 | 24, the length of what follows |
/// | 8 | 8 bytes | `SKEINZIP` |
/// | 16 | u64 | bytes of the original |
/// | 24 | u32 | CRC32C of the original |
/// | 28 | u32 | zero |
struct ZipMark: Hashable {
    var length: UInt64
    var checksum: UInt32

    static let byteCount = 32
    private static let magic: UInt32 = 0x184D_2A5B
    /// `SKEINZIP`, little-endian.
    private static let name: UInt64 = 0x5049_5A4E_4945_4B53

    init(length: UInt64, checksum: UInt32) {
        self.length = length
        self.checksum = checksum
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount,
            UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == Self.magic,
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) == 24,
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) == Self.name
        else { return nil }
        length = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        checksum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
    }

    var bytes: [UInt8] {
        var result: [UInt8] = []
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { result.append(contentsOf: $0) }
        }
        append(Self.magic)
        append(UInt32(24))
        append(Self.name)
        append(length)
        append(checksum)
        append(UInt32(0))
        return result
    }

    /// The mark at the end of a zipped file; nil if the file is not there or has none.
    static func read(_ path: String) throws(ArchiveError) -> ZipMark? {
        let file: FileInput
        do throws(ArchiveError) {
            file = try FileInput(path: path, offset: 0)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
        guard lseek(file.descriptor, off_t(-byteCount), SEEK_END) >= 0 else { return nil }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 8)
        defer { room.deallocate() }
        return try file.fetch(into: room, name: path) == byteCount
            ? ZipMark(UnsafeRawBufferPointer(room)) : nil
    }

    /// How many bytes at the start of a plain file the zipped file beside it holds already: all that were there when it
    /// was zipped, or none. Reads the file only if its length allows it.
    static func coveredBytes(of path: String, by zipped: String) throws(ArchiveError) -> Int {
        guard let mark = try read(zipped), mark.length > 0 else { return 0 }
        let file = try FileInput(path: path, offset: 0)
        var status = stat()
        guard fstat(file.descriptor, &status) == 0, status.st_size >= 0, UInt64(status.st_size) >= mark.length
        else { return 0 }
        var checksum = CRC32C()
        var left = Int(mark.length)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteFeed.readBytes, alignment: 16)
        defer { room.deallocate() }
        while left > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: room[..<min(left, room.count)])
            let count = try file.fetch(into: piece, name: path)
            if count == 0 { return 0 }
            checksum.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
            left -= count
        }
        return checksum.value == mark.checksum ? Int(mark.length) : 0
    }
}
