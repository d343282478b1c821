import SkeinBSON
import SkeinJournal
import SkeinPlatform
import SkeinShipping
import SkeinWire
import Testing

/// A journal with two shards, and events whose content tells their place.
final class AppJournal: Sendable {
    let journal: MappedJournal

    init(
        folder: String? = nil, shards: Int = 2, segmentBytes: Int = 64 << 10, budgetBytes: Int = 64 << 20
    ) throws {
        journal = try MappedJournal(
            .init(
                folder: folder, shards: shards, segmentBytes: segmentBytes, budgetBytes: budgetBytes,
                slots: 16))
    }

    static func event(_ shard: Int, _ number: Int, padding: Int = 0) -> [UInt8] {
        let document: BSONDocument = [
            "id": .string("0"), "type": .string("test"), "shard": .int32(Int32(shard)),
            "number": .int32(Int32(number)),
            "padding": .string(String(repeating: "x", count: padding)),
        ]
        return document.bytes
    }

    /// Appends events with these numbers to a shard. They must fit.
    func append(_ numbers: ClosedRange<Int>, to shard: Int = 0, padding: Int = 0) {
        for number in numbers {
            let event = Self.event(shard, number, padding: padding)
            #expect(append(event, to: shard) > 0)
        }
    }

    @discardableResult
    func append(_ event: [UInt8], to shard: Int = 0) -> UInt64 {
        event.withUnsafeBytes { bytes in
            journal.shards[shard].append(
                kind: .event, flags: 0, arrival: 1, capacity: bytes.count, slot: nil
            ) { target in
                if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
                return bytes.count
            }
        }
    }

    func stream(_ shard: Int = 0) -> StreamIdentity {
        StreamIdentity(
            JournalStream(journal: journal.id, opening: journal.opening, shard: UInt32(shard)))
    }
}

/// What a shipper warned of.
final class Warnings: Sendable {
    private let texts = Monitor<[String]>([])

    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.update { $0.append(text) } }

    func wait(for part: String, seconds: Int64 = 20) -> Bool {
        let deadline = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
        return texts.wait(until: deadline) { texts in texts.contains { $0.contains(part) } ? true : nil }
            ?? false
    }
}

/// A folder that is gone with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/skein-shipping-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.current }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != "." && name != ".." { remove("\(path)/\(name)") }
            }
            closedir(folder)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

/// The documents of a file of bare BSON.
func documents(in path: String) throws -> [[UInt8]] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw SystemError.current }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = max(0, pread(descriptor, buffer.baseAddress, size, 0))
    }
    return bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        var documents: [[UInt8]] = []
        while let view = BSONView(prefixOf: UnsafeRawBufferPointer(rebasing: rest)) {
            documents.append(Array(view.bytes))
            rest = rest.dropFirst(view.bytes.count)
        }
        if !rest.isEmpty { Issue.record("\(rest.count) bytes at the end of \(path) are no document") }
        return documents
    }
}
