@testable import SkeinJournal

/// The payload of a batch as a producer sends it: records of an app's journal, checksums absent.
func batch(_ records: [(number: UInt64, text: String)], kind: RecordKind = .event) -> [UInt8] {
    var bytes: [UInt8] = []
    for (number, text) in records {
        let payload = Array(text.utf8)
        var header = [UInt8](repeating: 0, count: 32)
        header.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(payload.count).littleEndian, as: UInt32.self)
            $0.storeBytes(of: kind.rawValue, toByteOffset: 8, as: UInt8.self)
            $0.storeBytes(of: 0xFFFF_FFFF, toByteOffset: 12, as: UInt32.self)
            $0.storeBytes(of: number.littleEndian, toByteOffset: 16, as: UInt64.self)
        }
        bytes += header + payload
        while bytes.count % 8 != 0 { bytes.append(0xEE) }
    }
    return bytes
}

extension BatchJournal {
    @discardableResult
    func append(
        _ records: [(number: UInt64, text: String)], stream: UInt32, arrival: Int64 = 9,
        accepting: (RecordView) -> Bool = { _ in true }
    ) -> BatchOutcome {
        var bytes = batch(records)
        let numbers =
            (records.first?.number ?? 1)...max(records.first?.number ?? 1, records.last?.number ?? 1)
        return bytes.withUnsafeMutableBytes {
            append($0, stream: stream, numbers: numbers, arrival: arrival, accepting: accepting)
        }
    }

    @discardableResult
    func append(own text: String, useReserve: Bool = false) throws(JournalError) -> UInt64 {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBufferPointer { buffer throws(JournalError) in
            try append(UnsafeRawBufferPointer(buffer), arrival: 9, useReserve: useReserve)
        }
    }

    func sync() throws(JournalError) { try sync(try beginMark()) }
}

func stream(_ number: UInt64) -> JournalStream {
    JournalStream(journal: JournalID(low: number, high: 77), opening: 5, shard: 1)
}
