/// Records in order of arrival; a ring that grows. Not safe on two threads: its owner locks.
final class RecordRing: @unchecked Sendable {
    private var memory: UnsafeMutablePointer<LogRecord>
    private var size = 16
    private var first = 0
    private(set) var count = 0

    init() { memory = .allocate(capacity: size) }

    deinit {
        if count > 0 { _ = removeFirst(count) }
        memory.deallocate()
    }

    func append(_ record: consuming LogRecord) {
        if count == size { grow() }
        (memory + ((first + count) & (size - 1))).initialize(to: record)
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
        let larger = UnsafeMutablePointer<LogRecord>.allocate(capacity: size * 2)
        move(count, to: larger)
        memory.deallocate()
        memory = larger
        first = 0
        size *= 2
    }

    private func move(_ number: Int, to target: UnsafeMutablePointer<LogRecord>) {
        let straight = min(number, size - first)
        target.moveInitialize(from: memory + first, count: straight)
        (target + straight).moveInitialize(from: memory, count: number - straight)
    }
}

/// Records on their way out of a ring. They are released by who looked at them, not by who took them out under a lock.
final class RecordBatch: @unchecked Sendable {
    // Sendable: immutable once it is filled.
    fileprivate let memory: UnsafeMutablePointer<LogRecord>
    private let count: Int

    fileprivate init(count: Int) {
        self.count = count
        memory = .allocate(capacity: count)
    }

    deinit {
        memory.deinitialize(count: count)
        memory.deallocate()
    }

    func visit(_ body: (LogRecord) -> Void) {
        for index in 0..<count { body(memory[index]) }
    }

    func hasAny(from level: LogLevel) -> Bool {
        for index in 0..<count where memory[index].level >= level { return true }
        return false
    }

    func count(below level: LogLevel) -> Int {
        var number = 0
        for index in 0..<count where memory[index].level < level { number += 1 }
        return number
    }
}
