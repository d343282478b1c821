/// A record and where it was made, which only one that is let go is told.
struct HeldRecord {
    var record: LogRecord
    /// Nil if the record knows.
    var place: RecordPlace?

    func withRecord(_ body: (LogRecord) -> Void) {
        guard let place else { return body(record) }
        var record = record
        place.retain()
        record.origin = RecordOrigin(place)
        body(record)
    }
}

/// Records in order of arrival; a ring that grows. Not safe on two threads: its owner locks.
final class RecordRing: @unchecked Sendable {
    private var memory: UnsafeMutablePointer<HeldRecord>
    private var size = 16
    private var first = 0
    private(set) var count = 0

    init() { memory = .allocate(capacity: size) }

    deinit {
        if count > 0 { _ = removeFirst(count) }
        memory.deallocate()
    }

    /// - Parameter place: where the record was made, if it does not know; given over.
    func append(_ record: LogRecord, _ place: RecordPlace?) {
        if count == size { grow() }
        let held = memory + ((first + count) & (size - 1))
        held.initialize(to: HeldRecord(record: record, place: place))
        held.pointee.record.nameThread()
        count += 1
    }

    /// Takes the oldest out, at least one and at most ``count``.
    func removeFirst(_ removed: Int) -> RecordBatch {
        let batch = RecordBatch(count: removed)
        move(removed, to: batch.memory)
        first = (first + removed) & (size - 1)
        count -= removed
        return batch
    }

    private func grow() {
        let larger = UnsafeMutablePointer<HeldRecord>.allocate(capacity: size * 2)
        move(count, to: larger)
        memory.deallocate()
        memory = larger
        first = 0
        size *= 2
    }

    private func move(_ number: Int, to target: UnsafeMutablePointer<HeldRecord>) {
        let straight = min(number, size - first)
        target.moveInitialize(from: memory + first, count: straight)
        (target + straight).moveInitialize(from: memory, count: number - straight)
    }
}

/// Records on their way out of a ring. They are released by who looked at them, not by who took them out under a lock.
final class RecordBatch: @unchecked Sendable {
    // Sendable: immutable once it is filled.
    fileprivate let memory: UnsafeMutablePointer<HeldRecord>
    let count: Int

    fileprivate init(count: Int) {
        self.count = count
        memory = .allocate(capacity: count)
    }

    deinit {
        for index in 0..<count { memory[index].place?.release() }
        memory.deinitialize(count: count)
        memory.deallocate()
    }

    /// Those at or above a level, in order.
    func visit(from level: LogLevel = .all, _ body: (LogRecord) -> Void) {
        for index in 0..<count where memory[index].record.level >= level { memory[index].withRecord(body) }
    }

    func count(below level: LogLevel) -> Int {
        var number = 0
        for index in 0..<count where memory[index].record.level < level { number += 1 }
        return number
    }
}
