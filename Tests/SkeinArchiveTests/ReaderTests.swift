import Foundation
import SkeinArchive
import SkeinBSON
import SkeinPlatform
import Testing

@Suite struct ReaderTests {
    @Test func `documents come in order, across the window's borders`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", Sample.bytes(0..<6_000))
        let reading = try Reading(DocumentReader(path: path))
        #expect(reading.numbers == Array(0..<6_000))
        #expect(reading.damage.isEmpty)
    }

    @Test func `documents that are not wanted are passed without being given, and none besides`() throws {
        let folder = try TestFolder()
        let path = try folder.write("f", Sample.bytes(0..<6_000) + [1, 2, 3] + Sample.bytes(6_000..<7_000))
        let reader = try DocumentReader(path: path)
        var damage: [ArchiveDamage] = []
        reader.onDamage = { damage.append($0) }
        var given: [Int64] = []
        var seen = 0
        let number = { (view: BSONView) in view.find(path: "body.n")?.integer ?? -1 }
        while true {
            seen += reader.pass { number($0) % 1000 != 7 }
            guard let view = try reader.next() else { break }
            seen += 1
            if number(view) % 1000 == 7 { given.append(number(view)) }
        }
        reader.finish()
        #expect(given == [7, 1007, 2007, 3007, 4007, 5007, 6007])
        #expect(seen == 7_000 && reader.position == Sample.bytes(0..<7_000).count + 3)
        #expect(damage.count == 1)
    }

    @Test func `an empty file has nothing, a folder and a missing file are errors`() throws {
        let folder = try TestFolder()
        let reading = try Reading(DocumentReader(path: folder.write("f", [])))
        #expect(reading.numbers.isEmpty && reading.damage.isEmpty)
        let error = #expect(throws: ArchiveError.self) { try DocumentReader(path: folder.path) }
        #expect(error?.system?.name == "EISDIR")
        #expect(throws: ArchiveError.self) { try DocumentReader(path: folder.path + "/none") }
    }

    @Test func `a document of megabytes is read whole`() throws {
        let folder = try TestFolder()
        let large = Sample.event(1, padding: 5 << 20).bytes
        let path = try folder.write("f", Sample.bytes(0..<1) + large + Sample.bytes(2..<3))
        #expect(try Reading(DocumentReader(path: path)).numbers == [0, 1, 2])
    }

    @Test func `a file cut at any byte gives every whole event and tells where it is torn`() throws {
        let folder = try TestFolder()
        let whole = Sample.bytes(0..<3)
        let ends = (0..<3).map { Sample.bytes(0...$0).count }
        for cut in 0...whole.count {
            let path = try folder.write("f", Array(whole[..<cut]))
            let reading = try Reading(DocumentReader(path: path))
            let complete = ends.filter { $0 <= cut }.count
            #expect(reading.numbers == Array(0..<complete))
            let start = complete == 0 ? 0 : ends[complete - 1]
            if start == cut {
                #expect(reading.damage.isEmpty)
            } else {
                #expect(
                    reading.damage == [
                        ArchiveDamage(.tornTail, file: path, offset: start, count: cut - start)
                    ])
            }
        }
    }

    @Test func `garbage between events is passed over and reported once, with its place`() throws {
        let folder = try TestFolder()
        var random = FastRandom(seed: 7)
        let before = Sample.bytes(0..<5)
        let garbage = (0..<3000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let path = try folder.write("f", before + garbage + Sample.bytes(5..<9))
        let reading = try Reading(DocumentReader(path: path))
        #expect(reading.numbers == Array(0..<9))
        #expect(
            reading.damage == [
                ArchiveDamage(.garbage, file: path, offset: before.count, count: garbage.count)
            ])
    }

    @Test func `an event torn at any byte in the middle of a file costs that event alone`() throws {
        let folder = try TestFolder()
        let torn = Sample.event(50).bytes
        for cut in 1..<torn.count {
            let path = try folder.write("f", Sample.bytes(0..<2) + torn[..<cut] + Sample.bytes(2..<8))
            let reading = try Reading(DocumentReader(path: path)) { view in
                (try? BSONDocument(validating: view.bytes)) == nil
            }
            #expect(reading.numbers == Array(0..<8), "cut at \(cut)")
            #expect(reading.damage.count == 1, "cut at \(cut): \(reading.damage)")
        }
    }

    @Test func `a torn event at the end that claims much hides nothing behind it`() throws {
        let folder = try TestFolder()
        let claim: [UInt8] = [0, 0, 0, 3, 2]  // 48 MiB, then an element
        let path = try folder.write("f", Sample.bytes(0..<1) + claim + Sample.bytes(1..<4))
        let reading = try Reading(DocumentReader(path: path))
        #expect(reading.numbers == [0, 1, 2, 3])
        #expect(reading.damage.count == 1)
    }

    @Test func `a document that is malformed inside its frame is passed over alone`() throws {
        let folder = try TestFolder()
        var bad = Sample.event(1).bytes
        bad[4] = 0x42
        let path = try folder.write("f", Sample.bytes(0..<1) + bad + Sample.bytes(2..<3))
        let reading = try Reading(DocumentReader(path: path)) { view in
            (try? BSONDocument(validating: view.bytes)) == nil
        }
        #expect(reading.numbers == [0, 2])
        #expect(reading.damage.map(\.kind) == [.malformed])
    }

    @Test func `random bytes end, whatever they are`() throws {
        let folder = try TestFolder()
        var random = FastRandom(seed: 11)
        for round in 0..<40 {
            // Mostly small numbers, so that many lengths are plausible.
            let bytes = (0..<20_000).map { _ in
                round % 2 == 0
                    ? UInt8.random(in: 0...255, using: &random) : UInt8.random(in: 0...3, using: &random)
            }
            let path = try folder.write("f", bytes)
            let reading = try Reading(DocumentReader(path: path)) { view in
                (try? BSONDocument(validating: view.bytes)) == nil
            }
            #expect(reading.numbers.count < 200)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `bytes made to look like long documents everywhere cost no more than a scan`() throws {
        let folder = try TestFolder()
        // Every eighth byte begins a "document" of 1 MiB that goes on and on: 400,000 candidates.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(3 << 20)
        while bytes.count < 3 << 20 { bytes += [0, 0, 0x10, 0, 0x0A, 0x61, 0, 0x0A] }
        bytes[0] = 1  // no first document
        let path = try folder.write("f", bytes + Sample.bytes(0..<1))
        let reading = try Reading(DocumentReader(path: path)) { view in
            (try? BSONDocument(validating: view.bytes)) == nil
        }
        #expect(reading.damage.count >= 1)
    }

    @Test func `a growing file goes on where it was, and waits for the rest of a document`() throws {
        let folder = try TestFolder()
        let half = Sample.event(2).bytes
        let path = try folder.write("f", Sample.bytes(0..<2) + half[..<100])
        let reader = try DocumentReader(path: path)
        reader.isGrowing = true
        func rest() throws -> [Int] {
            var numbers: [Int] = []
            while let view = try reader.next() {
                numbers.append(Int(view.find(path: "body.n")?.integer ?? -1))
            }
            return numbers
        }
        #expect(try rest() == [0, 1])
        #expect(try rest() == [])
        try folder.append("f", Array(half[100...]))
        #expect(try rest() == [2])
        try folder.append("f", [1, 2, 3] + Sample.bytes(3..<5))
        #expect(try rest() == [3, 4])
        try folder.append("f", Sample.bytes(5..<6))
        #expect(try rest() == [5])
    }

    @Test func `a pipe is read as it comes`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let reader = DocumentReader(descriptor: ends[0], name: "standard input")
        let bytes = Sample.bytes(0..<2)
        #expect(bytes.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) } == bytes.count)
        #expect(!reader.hasNext)
        #expect(try reader.next() != nil)
        #expect(reader.hasNext)
        #expect(try reader.next() != nil)
        #expect(!reader.hasNext)
        close(ends[1])
        #expect(try reader.next() == nil)
    }

    @Test func `what Python's bson wrote is read`() throws {
        let folder = try TestFolder()
        let python = FileManager.default.currentDirectoryPath + "/.venv/bin/python3"
        try #require(FileManager.default.isExecutableFile(atPath: python), "make test makes .venv")
        let script = """
            import bson, sys
            with open(sys.argv[1], "wb") as f:
                for n in range(1000):
                    f.write(bson.encode({"id": "x", "type": "request", "end": 1.5, "body": {"n": n, "s": "ü" * n}}))
            """
        let status = try outside([python, "-c", script, folder.path + "/f"]).status
        #expect(status == 0)
        #expect(try Reading(DocumentReader(path: folder.path + "/f")).numbers == Array(0..<1000))
    }
}
