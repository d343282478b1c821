/// A record and where it was made, which only one that is let go is told.
struct HeldRecord {
    var record: LogRecord
    /// Nil if the record knows.
    var place: RecordPlace?

    /// Whether it is the one that keeps the pipeline, for itself and for those of the same pipeline right before it: the newest of
    /// them, so that the others can go first. A count of references for each would be an eighth of what holding back costs.
    var keepsPipeline = false

    func withRecord(_ body: (LogRecord) -> Void) {
        guard let place else { return body(record) }
        var record = record
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
        _ = removeFirst(count)
        memory.deallocate()
    }

    /// - Parameter place: where the record was made, if it does not know.
    func append(_ record: LogRecord, _ place: RecordPlace?) {
        if count == size { grow() }
        let held = memory + ((first + count) & (size - 1))
        held.initialize(to: HeldRecord(record: record, place: place))
        held.pointee.record.noteMaker()
        if let place {
            place.keepTree()
            held.pointee.keepsPipeline = true
            let before = memory + ((first + count - 1) & (size - 1))
            if count > 0, before.pointee.keepsPipeline,
                before.pointee.place?.sharesPipeline(with: place) == true
            {
                before.pointee.keepsPipeline = false
            } else {
                place.keepPipeline()
            }
        }
        count += 1
    }

    /// Takes the oldest out, at most ``count``; nil if that is none.
    func removeFirst(_ removed: Int) -> RecordBatch? {
        guard removed > 0 else { return nil }
        let batch = RecordBatch(count: removed)
        move(removed, to: batch.memory)
        first = (first + removed) & (size - 1)
        count -= removed
        let last = batch.memory + (removed - 1)
        if let place = last.pointee.place, !last.pointee.keepsPipeline {
            // Who kept it for these stays behind.
            place.keepPipeline()
            last.pointee.keepsPipeline = true
        }
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
        for index in 0..<count {
            guard let place = memory[index].place else { continue }
            place.releaseTree()
            if memory[index].keepsPipeline { place.releasePipeline() }
        }
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
