import SkeinPlatform

/// What a program prints that was built beside this one.
enum ProgramOutput {
    /// The folder of the programs.
    static var folder: String {
        let path = CommandLine.arguments[0]
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    static func lines(of program: String, _ arguments: [String] = []) throws -> [String] {
        let child = try ChildProcess(path: "\(folder)/\(program)", arguments: arguments, output: .pipe)
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
