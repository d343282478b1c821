import SkeinPlatform
import Synchronization

/// The segments of a journal: which are in use, in order, which are free, where every cursor is, and what all of
/// them may cost together. For the rare moments: a segment begins, a reader goes on to the next, a cursor moves.
final class SegmentStore: Sendable {
    struct Configuration: Sendable {
        var folder: String
        var segmentBytes: Int
        var budgetBytes: Int
        var lanes: Int
        /// The writer stores through mappings; else it writes with calls.
        var isMapped: Bool
        /// Without any cursor nothing is recycled: the reader is yet to come.
        var keepsWithoutCursor: Bool
    }

    /// What came of asking for a segment. An enum without text: a full journal answers at every append.
    enum Taken {
        case file(SegmentFile)
        case full
        case failed(JournalError)
    }

    struct State {
        var lanes: [[Segment]]
        var cursors: [String: [CursorRecord]] = [:]
        /// Last in, first out: what was written last is still in the processor's caches, and what lies at the
        /// bottom was not needed.
        var free: [SegmentFile] = []
        var leastFree = 0
        var bytes = 0
        var nextNumber = 0
        var retryAfter: Int64 = 0
        var failure: JournalError?
    }

    let storage: any JournalStorage
    let configuration: Configuration
    private let state: Monitor<State>
    private let closed = Atomic<Bool>(false)

    init(storage: any JournalStorage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
        state = Monitor(State(lanes: Array(repeating: [], count: configuration.lanes)))
    }

    /// Readers read and acknowledge nothing from here on: the files may have another owner.
    func close() { closed.store(true, ordering: .releasing) }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    // MARK: Making and taking

    /// A file for a new segment: the one recycled last, or a new one within the budget.
    /// - Parameter extra: what is added to the budget for this caller; negative to leave something for others.
    func take(extra: Int = 0) -> Taken {
        var retired: [SegmentFile] = []
        let answer = state.withLock { state -> Taken? in
            retired = reclaim(&state)
            let used = state.bytes - state.free.count * configuration.segmentBytes
            if used + configuration.segmentBytes > configuration.budgetBytes + extra { return .full }
            if let file = state.free.popLast() {
                state.leastFree = min(state.leastFree, state.free.count)
                return .file(file)
            }
            return reserve(&state)
        }
        remove(retired)
        return answer ?? make()
    }

    /// Makes segments until so many are free or the budget is used up, with all their pages in place.
    func prepare(_ count: Int) {
        for _ in 0..<count {
            let refused = state.withLock { state -> Bool in
                state.free.count >= count || reserve(&state) != nil
            }
            guard !refused, case .file(let file) = make() else { return }
            if configuration.isMapped { MemoryMap.populate(file.base, bytes: file.byteCount) }
            state.withLock { $0.free.append(file) }
        }
    }

    /// Takes bytes out of the budget; nil if that went well.
    private func reserve(_ state: inout State) -> Taken? {
        if state.bytes + configuration.segmentBytes > configuration.budgetBytes { return .full }
        if let failure = state.failure {
            if SystemClock.monotonicNanoseconds() < state.retryAfter { return .failed(failure) }
            state.failure = nil
        }
        state.bytes += configuration.segmentBytes
        return nil
    }

    private func make() -> Taken {
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        do {
            return .file(try makeFile(number))
        } catch {
            state.withLock { state in
                state.bytes -= configuration.segmentBytes
                // A full disk must not cost a system call per record.
                state.failure = error
                state.retryAfter = SystemClock.monotonicNanoseconds() + 100_000_000
            }
            return .failed(error)
        }
    }

    private func makeFile(_ number: Int) throws(JournalError) -> SegmentFile {
        let path = path(number)
        do throws(SystemError) {
            let file = try storage.open(path, create: true)
            do throws(SystemError) {
                try reserveSpace(file)
                let mapping = try file.map(configuration.segmentBytes, writable: configuration.isMapped)
                if !configuration.isMapped { try storage.syncFolder(configuration.folder) }
                return SegmentFile(
                    number: number, file: configuration.isMapped ? nil : file, mapping: mapping)
            } catch {
                try? storage.remove(path)
                throw error
            }
        } catch {
            throw JournalError("making the segment \(path)", error)
        }
    }

    private func reserveSpace(_ file: any JournalFile) throws(SystemError) {
        do throws(SystemError) {
            try file.reserve(configuration.segmentBytes)
        } catch {
            // Who writes with calls gets an error code when the disk is full, and needs no promise.
            guard !configuration.isMapped, error.code == EOPNOTSUPP else { throw error }
            try file.resize(configuration.segmentBytes)
        }
    }

    func path(_ number: Int) -> String { "\(configuration.folder)/\(SegmentFile.name(number))" }

    // MARK: The order of segments

    /// Adds a segment at the end of its lane.
    func install(_ segment: Segment, lane: Int) {
        state.withLock { $0.lanes[lane].append(segment) }
    }

    /// Removes segments that count as never written, and their files.
    func void(_ segments: [Segment], lane: Int) {
        state.withLock { state in
            state.lanes[lane].removeAll { segment in segments.contains { $0 === segment } }
            state.bytes -= segments.reduce(0) { $0 + $1.file.byteCount }
        }
        // The last first: a kill in between leaves a log without its end, not one without its beginning.
        remove(segments.reversed().map(\.file))
    }

    /// Removes a file that could not be used.
    func discard(_ file: SegmentFile) {
        state.withLock { $0.bytes -= file.byteCount }
        remove([file])
    }

    /// Puts a file that recovery found unused on the free list, if it is a whole one.
    func adopt(_ file: SegmentFile) {
        let fits = state.withLock { state -> Bool in
            state.bytes += file.byteCount
            guard file.byteCount == configuration.segmentBytes, !file.isSuspect.load(ordering: .relaxed)
            else { return false }
            state.free.append(file)
            return true
        }
        if !fits { remove([file]) }
    }

    /// Adds a segment that recovery found, in the order of sequences.
    func adopt(_ segment: Segment, lane: Int) {
        state.withLock { state in
            state.bytes += segment.file.byteCount
            state.lanes[lane].append(segment)
        }
    }

    /// The numbers of files from here on are unused.
    func startNumbers(at number: Int) {
        state.withLock { $0.nextNumber = max($0.nextNumber, number) }
    }

    /// The first segment of a lane at or after a sequence.
    func segment(lane: Int, from sequence: UInt64) -> Segment? {
        state.withLock { state in state.lanes[lane].first { $0.sequence >= sequence } }
    }

    func segments(lane: Int) -> [Segment] {
        state.withLock { $0.lanes[lane] }
    }

    // MARK: Cursors

    func cursor(_ name: String, lane: Int) -> CursorRecord? {
        state.withLock { $0.cursors[name]?[lane] }
    }

    var cursorNames: [String] { state.withLock { $0.cursors.keys.sorted() } }

    func setCursors(_ name: String, _ records: [CursorRecord]) {
        state.withLock { $0.cursors[name] = records }
    }

    /// Moves a cursor and recycles what all cursors have passed.
    func moveCursor(_ name: String, lane: Int, to record: CursorRecord) {
        var retired: [SegmentFile] = []
        state.withLock { state in
            state.cursors[name]?[lane] = record
            retired = reclaim(&state)
        }
        remove(retired)
    }

    func removeCursor(_ name: String) {
        var retired: [SegmentFile] = []
        state.withLock { state in
            state.cursors[name] = nil
            retired = reclaim(&state)
        }
        remove(retired)
    }

    // MARK: Recycling

    /// Moves every segment that nobody needs to the free list; returns files that are of no further use.
    private func reclaim(_ state: inout State) -> [SegmentFile] {
        if state.cursors.isEmpty && configuration.keepsWithoutCursor { return [] }
        var retired: [SegmentFile] = []
        for lane in state.lanes.indices {
            let needed = state.cursors.values.map { $0[lane].position }.min()
            var index = 0
            while index < state.lanes[lane].count {
                let segment = state.lanes[lane][index]
                let end = segment.finalEnd.load(ordering: .acquiring)
                let passed =
                    end != 0 && segment.visible.pointee.load(ordering: .acquiring) >= end
                    && needed.map { $0 >= JournalPosition(sequence: segment.sequence, offset: end) } ?? true
                if !passed { break }
                // Of a collector's streams only the tables know: one must be durable at any time.
                if !configuration.isMapped {
                    let later = index + 1 < state.lanes[lane].count ? state.lanes[lane][index + 1] : nil
                    let end = later?.visible.pointee.load(ordering: .acquiring) ?? 0
                    if end <= UInt64(SegmentHeader.bytes) { break }
                }
                // Acquire: what the borrower read, it read before its release.
                if segment.lent.load(ordering: .acquiring) > 0 {
                    index += 1
                    continue
                }
                state.lanes[lane].remove(at: index)
                if segment.file.byteCount == configuration.segmentBytes,
                    !segment.file.isSuspect.load(ordering: .relaxed)
                {
                    state.free.append(segment.file)
                } else {
                    state.bytes -= segment.file.byteCount
                    retired.append(segment.file)
                }
            }
        }
        return retired
    }

    /// Gives back the files that were never needed since the last call, but for one.
    func trim() {
        var retired: [SegmentFile] = []
        state.withLock { state in
            retired = reclaim(&state)
            let idle = min(state.leastFree, state.free.count) - 1
            if idle > 0 {
                retired += state.free.prefix(idle)
                state.bytes -= idle * configuration.segmentBytes
                state.free.removeFirst(idle)
            }
            state.leastFree = state.free.count
        }
        remove(retired)
    }

    /// Gives every free file back.
    func removeFree() {
        var retired: [SegmentFile] = []
        state.withLock { state in
            retired = reclaim(&state)
            state.bytes -= state.free.count * configuration.segmentBytes
            retired += state.free
            state.free = []
        }
        remove(retired)
    }

    private func remove(_ files: [SegmentFile]) {
        // A name that stays behind holds a segment below every cursor: the next opening recycles it.
        for file in files { try? storage.remove(path(file.number)) }
    }

    // MARK: Accounts

    /// Why the last attempt to make a segment failed, if it did.
    var failure: JournalError? { state.withLock { $0.failure } }

    var usage: JournalUsage {
        state.withLock { state in
            JournalUsage(
                segments: state.lanes.reduce(0) { $0 + $1.count }, freeSegments: state.free.count,
                bytes: state.bytes, budgetBytes: configuration.budgetBytes)
        }
    }

    /// Bytes of a lane that readers may read and that lie behind a position.
    func backlog(lane: Int, from position: JournalPosition) -> Int {
        state.withLock { state in
            state.lanes[lane].reduce(0) { sum, segment in
                guard segment.sequence >= position.sequence else { return sum }
                let start = segment.sequence == position.sequence ? Int(position.offset) : SegmentHeader.bytes
                return sum + max(0, Int(segment.visible.pointee.load(ordering: .acquiring)) - start)
            }
        }
    }
}

/// What the segments of a journal cost.
public struct JournalUsage: Sendable, Equatable {
    /// Segments with records that some reader has not passed, and those that are being written.
    public let segments: Int
    /// Segments kept for reuse.
    public let freeSegments: Int
    /// Bytes of memory or disk that all segments take together.
    public let bytes: Int
    /// The most that they may take.
    public let budgetBytes: Int
}
