public import SkeinJournal
public import SkeinWire

/// Puts records of a journal that is not shipped as it lies into a run of its own: copied, and numbered anew.
///
/// For a forward outlet, which sends some of a collector's records under a stream of its own. A copy of 256 KiB costs about
/// 15 µs. Not thread-safe; what ``finish(first:last:isDurable:isResumed:)`` returns may go anywhere.
public struct RunAssembler {
    private let stream: StreamIdentity
    private var memory: Memory?
    private let capacity: Int

    /// - Parameter capacity: bytes to reserve for each run; it grows where one record needs more.
    public init(stream: StreamIdentity, capacity: Int = 256 << 10) {
        self.stream = stream
        self.capacity = max(4096, capacity)
    }

    /// Bytes gathered so far, with headers.
    public var byteCount: Int { memory?.used ?? 0 }

    /// Records gathered so far.
    public var count: Int { memory?.count ?? 0 }

    /// Adds a record.
    /// - Parameter number: in the run's stream; above every one before.
    public mutating func append(_ record: RecordView, number: UInt64) {
        let memory = self.memory ?? Memory(capacity: max(capacity, record.totalBytes))
        self.memory = memory
        memory.append(record, number)
    }

    /// The gathered records as a run of a stream that outlives the shipper, and begins the next one.
    /// - Parameters:
    ///   - first: the lowest number that the run stands for; at most its first record's.
    ///   - last: the highest number that the run stands for; at least its last record's.
    ///   - isDurable: whether the stream outlives the process.
    ///   - isResumed: whether an earlier process may have sent records of the stream.
    /// - Returns: nil if nothing was gathered.
    public mutating func finish(first: UInt64, last: UInt64, isDurable: Bool, isResumed: Bool)
        -> ShippableRun?
    {
        guard let memory else { return nil }
        self.memory = nil
        return ShippableRun(
            stream: stream, first: first, last: last, count: memory.count, bytes: memory.bytes, owner: memory,
            isDurable: isDurable, isResumed: isResumed, isSparse: true, endsWithShipper: false)
    }

    /// Sendable: written by the assembler alone, and only read once a run owns it.
    private final class Memory: @unchecked Sendable {
        private var base: UnsafeMutableRawPointer
        private var capacity: Int
        private(set) var used = 0
        private(set) var count = 0

        init(capacity: Int) {
            base = .allocate(byteCount: capacity, alignment: 16)
            self.capacity = capacity
        }

        deinit { base.deallocate() }

        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: used) }

        /// Writes header, payload and padding as `Docs/Journal.md` has them; no checksum, stream index 0.
        func append(_ record: RecordView, _ number: UInt64) {
            let total = record.totalBytes
            reserve(total)
            let start = base + used
            start.storeBytes(of: UInt32(record.payload.count).littleEndian, as: UInt32.self)
            start.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
            start.storeBytes(of: record.kind.rawValue, toByteOffset: 8, as: UInt8.self)
            start.storeBytes(of: record.flags & ~RecordFlags.checksum, toByteOffset: 9, as: UInt8.self)
            start.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
            start.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
            start.storeBytes(of: number.littleEndian, toByteOffset: 16, as: UInt64.self)
            start.storeBytes(of: record.arrival.littleEndian, toByteOffset: 24, as: Int64.self)
            if let payload = record.payload.baseAddress, record.payload.count > 0 {
                (start + 32).copyMemory(from: payload, byteCount: record.payload.count)
            }
            for index in 32 + record.payload.count..<total {
                start.storeBytes(of: 0, toByteOffset: index, as: UInt8.self)
            }
            used += total
            count += 1
        }

        private func reserve(_ bytes: Int) {
            guard used + bytes > capacity else { return }
            capacity = max(capacity * 2, used + bytes)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            larger.copyMemory(from: base, byteCount: used)
            base.deallocate()
            base = larger
        }
    }
}
