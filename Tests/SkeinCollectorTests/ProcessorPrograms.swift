import SkeinBSON
import SkeinCollector
import SkeinPlatform
import Testing

/// Programs of another world that process events: Tests/Python/processor.py.
enum ProcessorPrograms {
    static let repository: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/")
    }()

    /// The Python of `make test`, which has the packages of Tests/Python/requirements.txt.
    static func python() throws -> String {
        let path = repository + "/.venv/bin/python"
        try #require(access(path, X_OK) == 0, "no \(path); `make test` makes it")
        return path
    }

    static func command(_ mode: String, _ file: String, _ more: String...) throws -> [String] {
        [try python(), repository + "/Tests/Python/processor.py", mode, file] + more
    }

    /// An outlet of such a program, which acknowledges.
    static func outlet(
        _ mode: String, _ file: String, _ more: String..., name: String = "it",
        change: (inout OutletConfiguration.Exec) -> Void = { _ in }
    ) throws -> OutletConfiguration {
        var exec = OutletConfiguration.Exec(
            command: [try python(), repository + "/Tests/Python/processor.py", mode, file] + more)
        exec.isAcknowledged = true
        change(&exec)
        return OutletConfiguration(name: name, kind: .exec(exec))
    }

    /// The lines that it has written so far.
    static func lines(_ file: String) -> [String] {
        String(decoding: TemporaryFolder.read(file) ?? [], as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// The numbers among them.
    static func numbers(_ file: String) -> [Int] { lines(file).compactMap { Int($0) } }
}

extension RunningCollector {
    /// Sends events of a type, numbered in their bodies.
    func send(_ numbers: Range<Int>, type: String = "a") throws {
        let client = try PushClient(ports.collect[0])
        for number in numbers { try client.send(freshEvent(type, number).bytes) }
        let type = "events.\(type).count"
        try eventually("all arrive") {
            collector.status[path: type]?.intValue ?? 0 >= Int64(numbers.count)
        }
    }

    func outlet(_ path: String, _ name: String = "it") -> BSONValue? {
        collector.status[path: "outlets.\(name).\(path)"]
    }

    func count(_ path: String, _ name: String = "it") -> Int64 { outlet(path, name)?.intValue ?? -1 }
}
