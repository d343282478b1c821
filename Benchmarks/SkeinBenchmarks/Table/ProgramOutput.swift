import SkeinPlatform

/// What a program prints that was built beside this one.
enum ProgramOutput {
    /// This program.
    static var ownPath: String {
        #if os(Linux)
            let own = "/proc/self/exe"
        #else
            let own = CommandLine.arguments[0]
        #endif
        guard let resolved = realpath(own, nil) else { return CommandLine.arguments[0] }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The folder of the programs.
    static var folder: String {
        ownPath.lastIndex(of: "/").map { String(ownPath[..<$0]) } ?? "."
    }

    /// The next line that can be read; nil at the end.
    static func firstLine(_ descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    static func lines(of program: String, _ arguments: [String] = []) throws -> [String] {
        try lines(at: "\(folder)/\(program)", arguments)
    }

    static func lines(at path: String, _ arguments: [String]) throws -> [String] {
        let child = try ChildProcess(path: path, arguments: arguments, output: .pipe)
        defer { _ = child.end(grace: .seconds(1)) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(child.output, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
