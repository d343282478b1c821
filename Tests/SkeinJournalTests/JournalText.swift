import SkeinJournal

extension MappedShard {
    /// Appends a record with a text as payload.
    @discardableResult
    func append(_ text: String, kind: RecordKind = .event, slot: UnsafeMutableRawPointer? = nil) -> UInt64 {
        let bytes = Array(text.utf8)
        return append(kind: kind, flags: 0, arrival: 7, capacity: bytes.count, slot: slot) { memory in
            bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            return bytes.count
        }
    }
}

extension RecordRun {
    var texts: [String] {
        var records = makeCursor()
        var texts: [String] = []
        while let record = records.next() { texts.append(String(decoding: record.payload, as: UTF8.self)) }
        return texts
    }

    var numbers: [UInt64] {
        var records = makeCursor()
        var numbers: [UInt64] = []
        while let record = records.next() { numbers.append(record.number) }
        return numbers
    }
}

extension JournalReader {
    /// Reads everything that there is, releasing the runs.
    func texts(maximumBytes: Int = 256 << 10) throws -> [String] {
        var texts: [String] = []
        while let run = try next(maximumBytes: maximumBytes) {
            texts += run.texts
            run.release()
        }
        return texts
    }
}
