import SkeinJournal

/// The events of a run that are for one outlet, in memory that is used again for the next run.
struct PlaceList: ~Copyable {
    private var memory: UnsafeMutableBufferPointer<EventPlace> = .allocate(capacity: 4096)
    private var start = 0
    private var end = 0

    init() {}

    deinit {
        memory.deallocate()
    }

    var count: Int { end &- start }

    /// The first of them.
    func prefix(_ count: Int) -> UnsafeBufferPointer<EventPlace> {
        UnsafeBufferPointer(rebasing: memory[start..<start + count])
    }

    /// Lends the list for many additions.
    @inline(__always)
    mutating func fill(_ body: (inout PlaceList) -> Void) {
        body(&self)
    }

    @inline(__always)
    mutating func append(_ place: EventPlace) {
        if end == memory.count { grow() }
        memory.initializeElement(at: end, to: place)
        end &+= 1
    }

    mutating func removeAll() {
        start = 0
        end = 0
    }

    mutating func removeFirst(_ count: Int) {
        start += count
    }

    /// Takes some out, by their places counted from the first.
    mutating func remove(_ indices: [Int]) {
        let gone = Set(indices)
        var kept = start
        for index in 0..<count where !gone.contains(index) {
            memory[kept] = memory[start + index]
            kept += 1
        }
        end = kept
    }

    /// Copies the events elsewhere, where they stand from then on.
    /// - Parameter start: where the bytes begin in the main journal.
    mutating func move(
        from bytes: UnsafeRawBufferPointer, start origin: JournalPosition, to copies: BacklogMemory
    ) {
        for index in start..<end {
            let place = memory[index]
            let batch = EventBatch(
                bytes: bytes, events: UnsafeBufferPointer(rebasing: memory[index...index]), start: origin)
            memory[index] = copies.add(
                batch.document(place), number: batch.number(place), arrival: batch.arrival(place))
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<EventPlace>.allocate(capacity: memory.count * 2)
        _ = larger.moveInitialize(fromContentsOf: memory)
        memory.deallocate()
        memory = larger
    }
}

/// A record's header, as `Docs/Journal.md` has it.
enum RecordFrame {
    static let headerBytes = 32
}
