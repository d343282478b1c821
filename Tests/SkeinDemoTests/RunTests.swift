import Foundation
import SkeinPlatform
import Testing

@testable import SkeinDemo

/// The whole demo as a person runs it, with the collector and the tool as programs.
@Suite struct RunTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "skein-run-\(UUID().uuidString)")

    private func arguments(_ requests: Int) throws -> [String] {
        [
            "run", "--skeind", try Programs.path(of: "skeind"), "--data", folder.path, "--control",
            "127.0.0.1:0",
            "--collect", "127.0.0.1:0", "--deliver", "127.0.0.1:0", "--requests", "\(requests)",
        ]
    }

    /// Runs a program to its end and answers what it said.
    private func output(of path: String, _ arguments: [String]) throws -> (
        end: ChildProcess.End?, lines: [String]
    ) {
        let process = try ChildProcess(path: path, arguments: arguments, output: .pipe)
        let reader = LineReader(process.output)
        let deadline = SystemClock.monotonicNanoseconds() + 240_000_000_000
        var lines: [String] = []
        while case .line(let line) = reader.next(until: deadline) { lines.append(line) }
        return (process.wait(until: deadline) ?? process.end(grace: .seconds(1)), lines)
    }

    @Test func `in a pipe it shows what happened and ends by itself`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (end, lines) = try output(of: Programs.path(of: "skein-demo"), arguments(400))
        let text = lines.joined(separator: "\n")
        #expect(end == .exited(0), "\(text)")
        #expect(text.contains("Requests from outside by outcome: 408 stored of 408 sent"))
        let slow = try #require(lines.firstIndex { $0.hasPrefix("A slow request: /depends/") })
        let failing = try #require(lines.firstIndex { $0.hasPrefix("A failing request: ") })
        // Both trees have both services in them, joined: nothing is said to be missing.
        for start in [slow, failing] {
            let tree = lines[(start + 1)...].prefix { !$0.isEmpty }
            #expect(tree.contains { $0.contains("catalogue request") && $0.contains("└") })
            #expect(tree.contains { $0.contains("└ .sql") })
            #expect(!tree.contains { $0.contains("not seen") })
        }
        #expect(lines[failing...].prefix { !$0.isEmpty }.contains { $0.contains("NoSuchPackage") })
        for word in ["files", "stream", "control"] { #expect(lines.contains { $0.hasPrefix("  \(word) ") }) }
        let day = try FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("files").path)
        #expect(!day.isEmpty)
    }

    @Test func `on a terminal it stays until Ctrl-C, and leaves nothing running`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        // Python's pty is the terminal; the children it names are looked for afterwards.
        let script = """
            import os, pty, sys, select, time, re
            pid, fd = pty.fork()
            if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
            text, end, pressed = b'', time.monotonic() + 200, False
            while time.monotonic() < end:
                if not select.select([fd], [], [], 1)[0]: continue
                try: piece = os.read(fd, 65536)
                except OSError: break
                if not piece: break
                text += piece
                if not pressed and b'Running until Ctrl-C' in text and b'--tree\\r\\n' in text.split(b'Running until')[1]:
                    children = open(f'/proc/{pid}/task/{pid}/children').read().split() if os.path.exists('/proc') else []
                    pressed = True
                    os.write(fd, b'\\x03')
            _, status = os.waitpid(pid, 0)
            print('status', os.waitstatus_to_exitcode(status), 'pressed', pressed)
            print('left', [c for c in children if os.path.exists(f'/proc/{c}')])
            print(text.decode(errors='replace')[-400:] if status else '')
            """
        let python = try output(
            of: "/usr/bin/env", ["python3", "-c", script, Programs.path(of: "skein-demo")] + arguments(100))
        #expect(python.lines.first == "status 0 pressed True", "\(python.lines)")
        #expect(python.lines.dropFirst().first == "left []", "\(python.lines)")
    }

    @Test func `a collector that cannot start is told, and nothing is left running`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let taken = try ListeningSocket(host: "127.0.0.1", port: 0)
        defer { close(taken.descriptor) }
        let (end, lines) = try output(
            of: Programs.path(of: "skein-demo"),
            arguments(10) + ["--deliver", "127.0.0.1:\(taken.port)"])
        #expect(end == .exited(1), "\(lines)")
        #expect(!lines.contains { $0.contains("listens on") })
    }
}
