import Foundation
import SkeinArchive
import SkeinBSON
import Testing

/// A folder of its own for one test, gone afterwards.
final class TestFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("skein-archive-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file, making folders on its way, and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path).appendingPathComponent(name)))
    }

    /// All names in a folder below, sorted, hidden ones too.
    func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
    }

    func append(_ name: String, _ bytes: [UInt8]) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path).appendingPathComponent(name))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}

/// Events to store.
enum Sample {
    static func event(_ number: Int, type: String = "request", padding: Int = 20) -> BSONDocument {
        [
            "id": .string("id-\(number)"), "type": .string(type), "host": "a.example", "pid": .int32(7),
            "start": .double(1_795_000_000 + Double(number)), "end": .double(1_795_000_001 + Double(number)),
            "body": ["n": .int64(Int64(number)), "pad": .string(String(repeating: "x", count: padding))],
            "span": .string("00000000\(10_000_000 + number)"), "error": ["type": "E", "message": "m"],
        ]
    }

    static func bytes(_ numbers: some Sequence<Int>) -> [UInt8] {
        numbers.flatMap { event($0).bytes }
    }
}

/// What a reader gave: the events' numbers and the damage.
struct Reading {
    var numbers: [Int] = []
    var damage: [ArchiveDamage] = []

    init(_ reader: DocumentReader, reject: (BSONView) -> Bool = { _ in false }) throws {
        let found = Found()
        reader.onDamage = { found.damage.append($0) }
        while let view = try reader.next() {
            if reject(view) {
                try reader.rejectLast()
            } else {
                numbers.append(Int(view.find(path: "body.n")?.integer ?? -1))
            }
        }
        reader.finish()
        damage = found.damage
    }

    private final class Found {
        var damage: [ArchiveDamage] = []
    }
}

/// Runs a program of the system to its end.
func outside(_ arguments: [String]) throws -> (status: Int32, output: [UInt8]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, Array(output))
}
