import SkeinBSON
import SkeinJournal

/// The records of the hold journal, as `Docs/Journal.md` has them: events that are held, and verdicts over groups.
enum HoldRecord {
    /// What one record says.
    enum Entry {
        case change(HoldChange)
        /// What follows, up to the next mark, is all there is: what was before counts no more.
        case begin
        /// Up to here all is whole.
        case mark(BSONDocument)
        /// What came since the last mark was not written to its end.
        case void
    }

    private enum Word {
        static let letGo: UInt32 = 1
        // 2, 3 and 4 are those of HoldLoss.
        static let begin: UInt32 = 5
        static let mark: UInt32 = 6
        static let void: UInt32 = 7
    }

    /// Bytes behind a held event's document and key.
    private static let trailerBytes = 32
    /// Bytes of a verdict before its key.
    private static let verdictBytes = 32

    static func payload(_ change: HoldChange) -> (kind: RecordKind, bytes: [UInt8], event: HeldEvent?) {
        switch change {
        case .hold(let key, let event, let pushes):
            (.held, held(key, event, number: 0, pushes: pushes), event)
        case .pass(let key, let event, let number):
            (.held, held(key, event, number: number, pushes: false), event)
        case .letGo(let key, let until, let first): (.verdict, verdict(Word.letGo, key, until, first), nil)
        case .forget(let key, let loss): (.verdict, verdict(loss.rawValue, key, 0, 0), nil)
        }
    }

    static var begin: [UInt8] { verdict(Word.begin, HoldKey(hold: 0, key: []), 0, 0) }
    static var void: [UInt8] { verdict(Word.void, HoldKey(hold: 0, key: []), 0, 0) }

    static func mark(_ document: BSONDocument) -> [UInt8] {
        verdict(Word.mark, HoldKey(hold: 0, key: []), 0, 0) + document.bytes
    }

    private static func held(_ key: HoldKey, _ event: HeldEvent, number: UInt64, pushes: Bool) -> [UInt8] {
        var bytes = event.bytes
        bytes.reserveCapacity(bytes.count + key.key.count + trailerBytes)
        bytes += key.key
        append(key.hold, to: &bytes)
        append(event.origin, to: &bytes)
        append(number, to: &bytes)
        append(UInt32(key.key.count), to: &bytes)
        append(UInt32(pushes ? 1 : 0), to: &bytes)
        return bytes
    }

    private static func verdict(_ word: UInt32, _ key: HoldKey, _ time: Int64, _ number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        append(word, to: &bytes)
        append(UInt32(key.key.count), to: &bytes)
        append(key.hold, to: &bytes)
        append(UInt64(bitPattern: time), to: &bytes)
        append(number, to: &bytes)
        return bytes + key.key
    }

    private static func append(_ word: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
    }

    /// - Returns: nil for what is none of these records.
    static func parse(_ record: RecordView) -> Entry? {
        let payload = record.payload
        func word<Word: FixedWidthInteger & BitwiseCopyable>(_: Word.Type, _ offset: Int) -> Word {
            Word(littleEndian: payload.loadUnaligned(fromByteOffset: offset, as: Word.self))
        }
        func bytes(_ range: Range<Int>) -> [UInt8] { Array(UnsafeRawBufferPointer(rebasing: payload[range])) }
        if record.kind == .held {
            guard let length = BSONView.announcedLength(payload), payload.count >= length + trailerBytes
            else {
                return nil
            }
            let trailer = payload.count - trailerBytes
            guard Int(word(UInt32.self, trailer + 24)) == trailer - length else { return nil }
            let key = HoldKey(hold: word(UInt64.self, trailer), key: bytes(length..<trailer))
            let event = HeldEvent(
                bytes: bytes(0..<length), arrival: record.arrival, flags: record.flags & RecordFlags.log,
                origin: word(UInt64.self, trailer + 8))
            let number = word(UInt64.self, trailer + 16)
            return .change(
                number > 0
                    ? .pass(key, event, number: number)
                    : .hold(key, event, pushes: word(UInt32.self, trailer + 28) != 0))
        }
        guard record.kind == .verdict, payload.count >= verdictBytes else { return nil }
        let kind = word(UInt32.self, 0)
        switch kind {
        case Word.begin: return .begin
        case Word.void: return .void
        case Word.mark:
            return (try? BSONDocument(validating: bytes(verdictBytes..<payload.count))).map { .mark($0) }
        default: break
        }
        guard Int(word(UInt32.self, 4)) == payload.count - verdictBytes else { return nil }
        let key = HoldKey(hold: word(UInt64.self, 8), key: bytes(verdictBytes..<payload.count))
        if kind == Word.letGo {
            return .change(
                .letGo(
                    key, until: Int64(bitPattern: word(UInt64.self, 16)), first: word(UInt64.self, 24)))
        }
        return HoldLoss(rawValue: kind).map { .change(.forget(key, $0)) }
    }
}
