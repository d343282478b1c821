import SkeinPlatform

/// The file of one cursor.
final class CursorWriter: Sendable {
    private let file: any JournalFile
    private let path: String
    /// Whether a cursor must outlive a power cut: then each move is an fdatasync.
    private let syncs: Bool

    init(file: any JournalFile, path: String, syncs: Bool) {
        self.file = file
        self.path = path
        self.syncs = syncs
    }

    /// The writer of a new cursor; nil where nothing outlives the process.
    static func make(
        storage: any JournalStorage, folder: String, _ name: String, syncs: Bool = false
    ) throws(JournalError) -> CursorWriter? {
        guard storage.isPersistent else { return nil }
        let path = "\(folder)/\(name)\(CursorName.suffix)"
        do throws(SystemError) {
            let writer = CursorWriter(file: try storage.open(path, create: true), path: path, syncs: syncs)
            if syncs { try storage.syncFolder(folder) }
            return writer
        } catch {
            throw JournalError("making the cursor \(path)", error)
        }
    }

    func write(_ record: CursorRecord, lane: Int) throws(JournalError) {
        do throws(SystemError) {
            try file.write(record.encoded(), at: lane * CursorRecord.pairBytes + record.copyOffset)
            if syncs { try file.sync() }
        } catch {
            throw JournalError("writing the cursor \(path)", error)
        }
    }

    /// What the file says for each of some lanes, and those of which it says nothing at all: a later lane was written.
    func read(lanes: Int) throws(JournalError) -> (records: [CursorRecord?], blank: Set<Int>) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.read(lanes * CursorRecord.pairBytes, at: 0)
        } catch {
            throw JournalError("reading the cursor \(path)", error)
        }
        return bytes.withUnsafeBytes { buffer in
            var blank: Set<Int> = []
            let records = (0..<lanes).map { lane in
                let start = lane * CursorRecord.pairBytes
                let pair = UnsafeRawBufferPointer(rebasing: buffer[start..<start + CursorRecord.pairBytes])
                if pair.allSatisfy({ $0 == 0 }) { blank.insert(lane) }
                return CursorRecord(pair: pair)
            }
            return (records, blank)
        }
    }

    /// How many lanes the file has pairs for. The last may have only its first half yet.
    func lanes() -> Int {
        (((try? file.byteCount()) ?? 0) + CursorRecord.pairBytes - 1) / CursorRecord.pairBytes
    }
}

/// The names that cursors may have: they become names of files.
enum CursorName {
    static let suffix = ".cursor"

    static func check(_ name: String) throws(JournalError) {
        let isFine = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x2E || byte == 0x5F
        }
        guard (1...100).contains(name.utf8.count), name.utf8.first != 0x2E, name.utf8.allSatisfy(isFine)
        else {
            throw JournalError(
                .configuration,
                "the cursor name \"\(name)\": 1 to 100 letters, digits, '-', '_' and '.', not beginning with '.'"
            )
        }
    }

    /// The cursor that a file holds.
    static func of(file name: String) -> String? {
        guard name.hasSuffix(suffix) else { return nil }
        let cursor = String(name.dropLast(suffix.count))
        return (try? check(cursor)) == nil ? nil : cursor
    }
}
