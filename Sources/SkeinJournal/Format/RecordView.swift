/// One record, borrowed: valid only while the bytes that it was read from are.
public struct RecordView {
    let start: UnsafeRawPointer
    /// The document, or whatever the kind says.
    public let payload: UnsafeRawBufferPointer
    /// What the payload is.
    public let kind: RecordKind

    /// The record at the start of some bytes, if a whole one with a plausible header stands there. Reads nothing
    /// outside the bytes, whatever they hold. The checksum is not looked at.
    public init?(prefixOf bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= RecordLayout.headerBytes, let start = bytes.baseAddress else { return nil }
        let length = Int(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
        guard RecordLayout.total(length) <= bytes.count,
            let kind = RecordKind(
                rawValue: start.load(fromByteOffset: RecordLayout.kindOffset, as: UInt8.self)),
            start.loadUnaligned(fromByteOffset: RecordLayout.reservedOffset, as: UInt16.self) == 0
        else { return nil }
        self.start = start
        self.kind = kind
        payload = UnsafeRawBufferPointer(start: start + RecordLayout.headerBytes, count: length)
    }

    private init(start: UnsafeRawPointer, payload: UnsafeRawBufferPointer, kind: RecordKind) {
        self.start = start
        self.payload = payload
        self.kind = kind
    }

    /// The same record without the end of its payload, which a writer has put there for itself.
    /// - Parameter count: bytes to leave out; at most the whole payload.
    public func droppingLast(_ count: Int) -> RecordView {
        RecordView(
            start: start, payload: UnsafeRawBufferPointer(rebasing: payload.dropLast(count)), kind: kind)
    }

    /// The same record with another payload, borrowed like this one.
    public func with(payload: UnsafeRawBufferPointer, kind: RecordKind) -> RecordView {
        RecordView(start: start, payload: payload, kind: kind)
    }

    /// Bytes of the record with its header and padding.
    public var totalBytes: Int { RecordLayout.total(payload.count) }

    /// Bits of ``RecordFlags``.
    public var flags: UInt8 { start.load(fromByteOffset: RecordLayout.flagsOffset, as: UInt8.self) }

    /// In a collector's journal the row of its ``StreamTable``; 0 in an app's.
    public var streamIndex: UInt32 {
        UInt32(littleEndian: start.loadUnaligned(fromByteOffset: RecordLayout.streamOffset, as: UInt32.self))
    }

    /// The number in its stream, from 1.
    public var number: UInt64 {
        UInt64(littleEndian: start.loadUnaligned(fromByteOffset: RecordLayout.numberOffset, as: UInt64.self))
    }

    /// When the record closed (in an app) or arrived (in a collector), Unix nanoseconds.
    public var arrival: Int64 {
        Int64(littleEndian: start.loadUnaligned(fromByteOffset: RecordLayout.arrivalOffset, as: Int64.self))
    }

    /// The checksum as it stands in the header.
    var checksum: UInt32 {
        UInt32(
            littleEndian: start.loadUnaligned(fromByteOffset: RecordLayout.checksumOffset, as: UInt32.self))
    }
}

/// Walks a run of records: one that a reader lent, or the payload that a peer sent.
///
/// Safe over any bytes: it ends at the first place where no whole record with a plausible header stands, and
/// ``isAtEnd`` tells whether that was the end of the bytes. A step costs a few nanoseconds.
public struct RecordCursor: IteratorProtocol {
    let bytes: UnsafeRawBufferPointer
    /// Bytes passed so far: where the next record begins.
    public private(set) var offset = 0

    /// - Parameter bytes: to be kept readable by the caller as long as the cursor or its records are used.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    public mutating func next() -> RecordView? {
        guard offset < bytes.count,
            let record = RecordView(prefixOf: UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        else { return nil }
        offset += record.totalBytes
        return record
    }

    /// Whether every byte was a record.
    public var isAtEnd: Bool { offset == bytes.count }
}
