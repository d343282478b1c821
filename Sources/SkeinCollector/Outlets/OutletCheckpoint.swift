import SkeinBSON
import SkeinPlatform

/// What an outlet has done for good: up to which record of the journal, with which counts, and what it keeps
/// with that itself.
///
/// The file `<dataPath>/outlets/<name>.checkpoint` is a run of frames, each 4 bytes of CRC32C over a BSON
/// document (little-endian) and the document:
///
/// 1. The checkpoint: `{v: 1, journal: <32 hex>, sequence: int64, offset: int64, counters: {…}, details: {…}}`. It
///    replaces the file as a whole: written beside it, synced, renamed.
/// 2. Then notes, appended and synced one by one: what the outlet must know after a crash besides the
///    checkpoint, before it may go on.
///
/// A torn note at the end is as good as none, since the outlet had not gone on yet.
struct OutletCheckpoint {
    /// The journal that the place belongs to.
    var journal: String
    /// The place in it: everything before is done.
    var sequence: UInt64
    var offset: UInt64
    var counters: OutletCounters
    /// The outlet's own.
    var details: BSONDocument

    /// A checkpoint as it is found after a start.
    struct Resumed {
        var checkpoint: OutletCheckpoint
        /// What was noted since, in order.
        var notes: [BSONDocument]
    }

    var document: BSONDocument {
        [
            "v": 1, "journal": .string(journal), "sequence": .int64(Int64(bitPattern: sequence)),
            "offset": .int64(Int64(bitPattern: offset)), "counters": .document(counters.document),
            "details": .document(details),
        ]
    }

    init(
        journal: String, sequence: UInt64, offset: UInt64, counters: OutletCounters, details: BSONDocument
    ) {
        self.journal = journal
        self.sequence = sequence
        self.offset = offset
        self.counters = counters
        self.details = details
    }

    init?(_ document: BSONDocument) {
        guard document["v"]?.intValue == 1, let journal = document["journal"]?.stringValue,
            let sequence = document["sequence"]?.intValue, let offset = document["offset"]?.intValue,
            let counters = document["counters"]?.documentValue,
            let details = document["details"]?.documentValue
        else { return nil }
        self.journal = journal
        self.sequence = UInt64(bitPattern: sequence)
        self.offset = UInt64(bitPattern: offset)
        self.counters = OutletCounters(counters)
        self.details = details
    }
}

/// The file of an outlet's checkpoint. One thread at a time.
final class OutletCheckpointFile {
    let path: String
    private var descriptor: Int32 = -1

    init(path: String) {
        self.path = path
    }

    deinit {
        if descriptor >= 0 { _ = close(descriptor) }
    }

    /// Reads what is there; nil if there is no whole checkpoint.
    func load() -> OutletCheckpoint.Resumed? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size > 0, status.st_size < 1 << 31 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var total = 0
        while total < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { read(file, $0 + total, buffer.count - total) } ?? 0
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            total += count
        }
        var documents = bytes.withUnsafeBytes { Self.frames(UnsafeRawBufferPointer(rebasing: $0[..<total])) }
        guard !documents.isEmpty, let checkpoint = OutletCheckpoint(documents.removeFirst()) else {
            return nil
        }
        return .init(checkpoint: checkpoint, notes: documents)
    }

    private static func frames(_ bytes: UnsafeRawBufferPointer) -> [BSONDocument] {
        var documents: [BSONDocument] = []
        var rest = bytes
        while rest.count > 4 {
            let sum = UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self))
            guard let view = BSONView(prefixOf: UnsafeRawBufferPointer(rebasing: rest[4...])),
                CRC32C.checksum(view.bytes) == sum
            else { break }
            documents.append(view.document())
            rest = UnsafeRawBufferPointer(rebasing: rest[(4 + view.bytes.count)...])
        }
        return documents
    }

    /// Puts a checkpoint in place of what was there, durably, with notes that still hold.
    func replace(_ checkpoint: OutletCheckpoint, notes: [BSONDocument]) throws(SystemError) {
        let temporary = path + ".new"
        let file = SkeinPlatform.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .current }
        do throws(SystemError) {
            for document in [checkpoint.document] + notes { try Self.append(document, to: file) }
            if let error = FileDurability.sync(file) { throw error }
            guard rename(temporary, path) == 0 else { throw .current }
        } catch {
            _ = close(file)
            throw error
        }
        if descriptor >= 0 { _ = close(descriptor) }
        descriptor = file
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if let error = FileDurability.syncFolder(folder) { throw error }
    }

    /// Puts a checkpoint in place of what is there with one write, for those that outlive a kill but need not outlive a
    /// power cut. Costs a few microseconds.
    func overwrite(_ checkpoint: OutletCheckpoint) -> SystemError? {
        if descriptor < 0 {
            descriptor = SkeinPlatform.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { return .current }
        }
        let frame = Self.frame(checkpoint.document)
        let count = frame.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == frame.count, ftruncate(descriptor, off_t(count)) == 0 else {
            return count < 0 ? .current : SystemError(code: ENOSPC)
        }
        return nil
    }

    /// Appends a note, durably.
    func note(_ document: BSONDocument) throws(SystemError) {
        if descriptor < 0 {
            descriptor = SkeinPlatform.open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
            guard descriptor >= 0 else { throw .current }
        }
        try Self.append(document, to: descriptor)
        if let error = FileDurability.sync(descriptor) { throw error }
    }

    private static func frame(_ document: BSONDocument) -> [UInt8] {
        let sum = document.bytes.withUnsafeBytes { CRC32C.checksum($0) }
        return withUnsafeBytes(of: sum.littleEndian) { Array($0) } + document.bytes
    }

    private static func append(_ document: BSONDocument, to file: Int32) throws(SystemError) {
        let frame = frame(document)
        var offset = 0
        while offset < frame.count {
            let count = frame.withUnsafeBytes { bytes in
                bytes.baseAddress.map { write(file, $0 + offset, bytes.count - offset) } ?? 0
            }
            if count < 0 {
                let error = SystemError.current
                if error.code == EINTR { continue }
                throw error
            }
            offset += count
        }
    }
}
