/// Text files of a page or less, as the kernel serves them under `/proc` and `/sys`.
public enum SmallFile {
    /// The first 4 KiB of the file as UTF-8, or nil if it cannot be read.
    public static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            let count = Self.read(descriptor, into: buffer)
            guard count >= 0 else { return nil }
            return String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
        }
    }

    private static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var total = 0
        while total < buffer.count {
            #if canImport(Darwin)
                let count = Darwin.read(descriptor, buffer.baseAddress! + total, buffer.count - total)
            #elseif canImport(Musl)
                let count = Musl.read(descriptor, buffer.baseAddress! + total, buffer.count - total)
            #else
                let count = Glibc.read(descriptor, buffer.baseAddress! + total, buffer.count - total)
            #endif
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return -1 }
            if count == 0 { break }
            total += count
        }
        return total
    }
}

/// The identity of this boot of the machine: 16 bytes that change with each start of the kernel.
/// All zero where the system has none; then nothing is ever taken for the same boot.
public enum BootIdentity {
    /// Read once from `/proc/sys/kernel/random/boot_id`.
    public static let current: (high: UInt64, low: UInt64) = {
        guard let text = SmallFile.read("/proc/sys/kernel/random/boot_id") else { return (0, 0) }
        let digits = text.unicodeScalars.compactMap { Character($0).hexDigitValue }
        guard digits.count == 32 else { return (0, 0) }
        let fold = { (slice: ArraySlice<Int>) in slice.reduce(UInt64(0)) { $0 << 4 | UInt64($1) } }
        return (fold(digits[..<16]), fold(digits[16...]))
    }()
}
