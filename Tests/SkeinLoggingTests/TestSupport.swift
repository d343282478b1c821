import Foundation
import SkeinBSON
import SkeinLogging
import SkeinPlatform
import Synchronization

/// Counts, from any thread.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.add(1, ordering: .relaxed) }
}

/// A value whose description tells that it was asked for.
struct Told: CustomStringConvertible, Sendable {
    let counter: Counter
    init(_ counter: Counter) { self.counter = counter }
    var description: String {
        counter.add()
        return "told"
    }
}

/// A handler that is a closure.
struct ClosureHandler: LogRecordHandler {
    var level = LogLevel.all
    let body: @Sendable (LogRecord) -> Bool

    func handle(_ record: LogRecord) -> Bool { body(record) }
}

/// A file of one test, gone afterwards.
final class ScratchFile {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("skein-log-\(UUID().uuidString)")
            .path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// Concatenated documents.
    func documents() throws -> [BSONDocument] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var documents: [BSONDocument] = []
        var offset = 0
        while offset + 4 <= bytes.count {
            let size = Int(
                bytes[offset..<offset + 4].enumerated().reduce(UInt32(0)) {
                    $0 | UInt32($1.element) << UInt32(8 * $1.offset)
                })
            documents.append(try BSONDocument(validating: Array(bytes[offset..<offset + size])))
            offset += size
        }
        return documents
    }
}

/// Runs a closure on several threads at once, and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    let threads = try (0..<count).map { number in try SystemThread(name: "t\(number)") { body(number) } }
    for thread in threads { thread.join() }
}
