import Foundation
import SkeinArchive
import SkeinBSON
import SkeinPlatform
import Testing

@Suite struct ZipTests {
    private let name = "20261101/request-20261101.bson"

    private func file(_ folder: TestFolder, _ name: String? = nil) throws -> ArchiveFile {
        try #require(
            ArchiveFile(
                folder: folder.path + "/20261101", name: name ?? "request-20261101.bson"))
    }

    private func stored(_ folder: TestFolder) throws -> [Int] {
        try ArchiveListing.files(logPath: folder.path).flatMap { try Reading($0.open()).numbers }
    }

    @Test func `a zipped file reads as the original, here and by zstd itself`() throws {
        let folder = try TestFolder()
        let bytes = Sample.bytes(0..<4_000)
        try folder.write(name, bytes)
        let outcome = try ArchiveZip().zip(file(folder))
        #expect(outcome.kind == .zipped && outcome.bytesBefore == bytes.count)
        #expect(outcome.bytesAfter < bytes.count / 5)
        #expect(try folder.names("20261101") == ["request-20261101.bson.zst"])
        #expect(try stored(folder) == Array(0..<4_000))
        let unzipped = try outside(["zstd", "-dc", folder.path + "/" + name + ".zst"])
        #expect(unzipped.status == 0 && unzipped.output == bytes)
    }

    @Test func `what came after a zip is added by the next, as a further frame`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<100))
        _ = try ArchiveZip().zip(file(folder))
        try folder.write(name, Sample.bytes(100..<150))
        #expect(try stored(folder) == Array(0..<150))
        _ = try ArchiveZip().zip(file(folder))
        #expect(try folder.names("20261101") == ["request-20261101.bson.zst"])
        #expect(try stored(folder) == Array(0..<150))
        let unzipped = try outside(["zstd", "-dc", folder.path + "/" + name + ".zst"])
        #expect(unzipped.output == Sample.bytes(0..<150))
    }

    @Test func `an old Ziggy file is zipped beside the others of its type`() throws {
        let folder = try TestFolder()
        try folder.write("20261101/request-20261101.log", Sample.bytes(0..<10))
        try folder.write(name, Sample.bytes(10..<20))
        for file in try ArchiveListing.files(logPath: folder.path) { _ = try ArchiveZip().zip(file) }
        #expect(try folder.names("20261101") == ["request-20261101.bson.zst"])
        #expect(try stored(folder) == Array(0..<20))
    }

    @Test func `a zip that was killed before it removed the original doubles nothing`() throws {
        let folder = try TestFolder()
        let original = Sample.bytes(0..<100)
        try folder.write(name, original)
        _ = try ArchiveZip().zip(file(folder))
        try folder.write(name, original)  // as if it had never been removed
        #expect(try stored(folder) == Array(0..<100))
        try folder.append(name, Sample.bytes(100..<103))  // and then a late event came
        #expect(try stored(folder) == Array(0..<103))
        try folder.write(name, original)
        #expect(try ArchiveZip().zip(file(folder)).kind == .finished)
        #expect(try folder.names("20261101") == ["request-20261101.bson.zst"])
        #expect(try stored(folder) == Array(0..<100))
    }

    @Test func `late events that are as long as the original was are not taken for it`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<10))
        _ = try ArchiveZip().zip(file(folder))
        try folder.write(name, Sample.bytes(10..<20))
        #expect(try stored(folder) == Array(0..<20))
    }

    @Test func `what a killed zip left half-written is overwritten`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<10))
        try folder.write("20261101/.request-20261101.bson.zst.tmp", [1, 2, 3])
        _ = try ArchiveZip().zip(file(folder))
        #expect(try folder.names("20261101") == ["request-20261101.bson.zst"])
    }

    @Test func `a damaged zipped file is not added to, and both files stay`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<1000))
        _ = try ArchiveZip().zip(file(folder))
        var bytes = try folder.bytes(name + ".zst")
        bytes[bytes.count / 2] ^= 0x55
        try folder.write(name + ".zst", bytes)
        try folder.write(name, Sample.bytes(1000..<1001))
        let error = #expect(throws: ArchiveError.self) { try ArchiveZip().zip(file(folder)) }
        #expect(error?.code == .corrupt)
        #expect(
            try folder.names("20261101") == ["request-20261101.bson", "request-20261101.bson.zst"])
        #expect(try folder.bytes(name) == Sample.bytes(1000..<1001))
    }

    @Test func `an empty file is left alone`() throws {
        let folder = try TestFolder()
        try folder.write(name, [])
        #expect(try ArchiveZip().zip(file(folder)).kind == .empty)
        #expect(try folder.names("20261101") == ["request-20261101.bson"])
    }

    @Test func `permissions go with the events`() throws {
        let folder = try TestFolder()
        let path = try folder.write(name, Sample.bytes(0..<10))
        chmod(path, 0o640)
        _ = try ArchiveZip().zip(file(folder))
        var status = stat()
        #expect(stat(path + ".zst", &status) == 0 && status.st_mode & 0o777 == 0o640)
    }

    @Test func `plain and zipped parts may follow each other in one file`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<2000))
        _ = try ArchiveZip().zip(file(folder))
        let zipped = try folder.bytes(name + ".zst")
        let path = try folder.write(
            "f", Sample.bytes(0..<3) + zipped + Sample.bytes(3..<6) + zipped + zipped + Sample.bytes(6..<7))
        let reading = try Reading(DocumentReader(path: path))
        let middle = Array(0..<2000)
        #expect(reading.numbers == [0, 1, 2] + middle + [3, 4, 5] + middle + middle + [6])
        #expect(reading.damage.isEmpty)
    }

    @Test func `a frame cut short gives what it held and is reported`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<4_000))
        _ = try ArchiveZip().zip(file(folder))
        let zipped = try folder.bytes(name + ".zst")
        let path = try folder.write("f", Array(zipped[..<(zipped.count * 2 / 3)]))
        let reading = try Reading(DocumentReader(path: path))
        #expect(reading.numbers.count > 100)
        #expect(reading.numbers == Array(0..<reading.numbers.count))
        #expect(!reading.damage.isEmpty)
    }

    @Test func `a damaged frame costs no other`() throws {
        let folder = try TestFolder()
        try folder.write(name, Sample.bytes(0..<600))
        _ = try ArchiveZip().zip(file(folder))
        let zipped = try folder.bytes(name + ".zst")
        for place in stride(from: 8, to: zipped.count - 40, by: max(1, zipped.count / 40)) {
            var bad = zipped
            bad[place] ^= 0xFF
            let path = try folder.write("f", bad + zipped)
            let reading = try Reading(DocumentReader(path: path)) { view in
                (try? BSONDocument(validating: view.bytes)) == nil
            }
            #expect(reading.numbers.suffix(600) == Array(0..<600)[...], "damage at \(place)")
            #expect(!reading.damage.isEmpty, "damage at \(place)")
        }
    }

    @Test func `bytes that only look like a frame hide no event behind them`() throws {
        let folder = try TestFolder()
        let content: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
        let skippable: [UInt8] = [0x53, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0x7F]
        for decoy in [content, content + [0, 0, 0, 0, 0], skippable] {
            let path = try folder.write("f", Sample.bytes(0..<2) + [7] + decoy + Sample.bytes(2..<900))
            let reading = try Reading(DocumentReader(path: path))
            #expect(
                reading.numbers.prefix(2) == [0, 1] && reading.numbers.suffix(500) == Array(400..<900)[...])
            #expect(!reading.damage.isEmpty)
        }
    }

    @Test func `a file written meanwhile by one who knows no lock is left as it is`() throws {
        let folder = try TestFolder()
        let late = Sample.bytes(100_000..<100_001)
        try folder.write(name, Sample.bytes(0..<5000))
        let path = folder.path + "/" + name
        let zip = ArchiveZip(onProgress: { _ in
            let descriptor = open(path, O_WRONLY | O_APPEND)
            late.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
        })
        let error = #expect(throws: ArchiveError.self) { try zip.zip(file(folder)) }
        #expect(error?.code == .locked)
        #expect(try folder.names("20261101") == ["request-20261101.bson"])
    }
}
