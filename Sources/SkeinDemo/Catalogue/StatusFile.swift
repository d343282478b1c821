import SkeinPlatform

/// A text file read line by line, without ever holding more than a piece of it.
struct StatusFile {
    /// Longer lines are cut there.
    static let maximumLineBytes = 1 << 20

    /// Reads every package of the file. Cost: about 25 ms for a thousand.
    /// - Throws: ``DemoError`` if the file cannot be opened or read.
    static func read(
        _ path: String, _ take: (InstalledPackage) throws -> Void
    ) throws -> PackageStatusParser.Counts {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw DemoError.failed(
                "cannot read the package database \(path): \(SystemError.current) (--status-file names another)"
            )
        }
        defer { close(descriptor) }
        var parser = PackageStatusParser()
        var line: [UInt8] = []
        var isCut = false
        var buffer = [UInt8](repeating: 0, count: 64 << 10)

        func endLine() throws {
            let text = String(decoding: line, as: UTF8.self)
            line.removeAll(keepingCapacity: true)
            isCut = false
            if let package = parser.take(text[...].utf8) { try take(package) }
        }

        while true {
            let count = SkeinPlatform.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw DemoError.failed("cannot read the package database \(path): \(SystemError.current)")
            }
            if count == 0 { break }
            var rest = buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                if !isCut { line += rest[..<end] }
                try endLine()
                rest = rest[(end + 1)...]
            }
            guard !isCut else { continue }
            line += rest
            if line.count > maximumLineBytes {
                line.removeSubrange(maximumLineBytes...)
                isCut = true
            }
        }
        if !line.isEmpty { try endLine() }
        if let package = parser.finish() { try take(package) }
        return parser.counts
    }
}
