import SkeinPlatform
import Testing

/// `skeind` as a program of its own, found beside the tests.
final class Program {
    let pid: pid_t
    /// Lines of standard output and error, as they come.
    let output = Lines()
    private var status: Int32?
    private let ended = Monitor(0)

    /// - Parameter environment: the whole of it.
    init(_ arguments: [String], environment: [String: String] = [:], folder: String? = nil) throws {
        var pipes: [[Int32]] = []
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            pipes.append(ends)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes[0][1], 1)
        posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 2)
        // The shell goes to the folder and becomes the program.
        let command = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder ?? ".", Self.path] + arguments
        var pid: pid_t = 0
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in arguments + variables { free(string) } }
        let result = posix_spawn(&pid, command[0], &actions, nil, &arguments, &variables)
        try #require(result == 0, "\(Self.path): \(SystemError(code: result))")
        self.pid = pid
        for ends in pipes {
            close(ends[1])
            let lines = output
            let ended = ended
            try SystemThread(name: "output") {
                Self.read(ends[0], into: lines)
                ended.update { $0 += 1 }
            }.detach()
        }
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            _ = wait()
        }
    }

    private static func read(_ descriptor: Int32, into lines: Lines) {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while SkeinPlatform.read(descriptor, &byte, 1) == 1 {
            if byte == 10 {
                lines.add(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
            }
        }
        if !line.isEmpty { lines.add(String(decoding: line, as: UTF8.self)) }
        close(descriptor)
    }

    /// The folder of the built products.
    static let path: String = {
        let own = CommandLine.arguments[0]
        let folder = own.lastIndex(of: "/").map { own[..<$0] } ?? "."
        return folder + "/skeind"
    }()

    func signal(_ number: Int32) {
        kill(pid, number)
    }

    /// Waits for the end.
    /// - Returns: the exit code; 128 and more for a signal; nil if it goes on for 30 seconds.
    func wait() -> Int32? {
        if let status { return status }
        // Both pipes end when the process does.
        let deadline = SystemClock.monotonicNanoseconds() + 30_000_000_000
        guard ended.wait(until: deadline, { $0 == 2 ? true : nil }) != nil else { return nil }
        var code: Int32 = 0
        while waitpid(pid, &code, 0) < 0 && errno == EINTR {}
        status = code & 0x7F == 0 ? code >> 8 & 0xFF : 128 + code & 0x7F
        return status
    }

    /// The ports of the start line: `["control": 1, …]`.
    func ports() throws -> [String: Int] {
        let line = try #require(output.wait(for: " ready: "), "\(output.all)")
        var ports: [String: Int] = [:]
        for part in line.split(separator: " ready: ")[1].split(separator: ", ") {
            let words = part.split(separator: " ")
            if words.count == 2, let colon = words[1].lastIndex(of: ":") {
                ports[String(words[0])] = Int(words[1][words[1].index(after: colon)...])
            }
        }
        return ports
    }
}
