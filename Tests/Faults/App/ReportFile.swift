import SkeinPlatform
import Synchronization

// Sendable: atomics, unmapped by the one reader alone.
/// What an app says of its contexts, in a file that it has mapped: a store into it is seen by others although the
/// process is killed at the next instruction.
///
/// A byte a context: those of a lane (a thread or task that opens contexts) are numbered from 0 without a hole.
struct ReportFile: @unchecked Sendable {
    /// How far a context had come, at least.
    enum State: UInt8, Comparable {
        case none = 0
        /// It is about to be opened.
        case begun = 1
        /// It is open, and its number is among its fields.
        case open = 2
        /// It is about to get a field that its slot has no room for.
        case outgrowing = 3
        /// It has closed.
        case closed = 4

        static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }
    }

    static let lanes = 4
    static let capacity = 1 << 20
    private static var bytes: Int { lanes * capacity }

    // Never unmapped: there are two owners, a process that lives as long as its contexts, and one that reads once.
    private let states: UnsafeMutablePointer<Atomic<UInt8>>

    /// For the app: made anew.
    init(creating path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FaultsError("cannot make \(path): \(SystemError.current)") }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(Self.bytes)) == 0 else {
            throw FaultsError("cannot make \(path): \(SystemError.current)")
        }
        try self.init(mapping: descriptor, isWritable: true)
    }

    /// For the oracle. Nil if the app was killed before there was anything to report.
    init?(reading path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) == Self.bytes else { return nil }
        try self.init(mapping: descriptor, isWritable: false)
    }

    private init(mapping descriptor: Int32, isWritable: Bool) throws {
        let start = try MemoryMap.shared(descriptor: descriptor, bytes: Self.bytes, writable: isWritable)
        states = start.assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    func unmap() {
        MemoryMap.unmap(UnsafeMutableRawPointer(states), bytes: Self.bytes)
    }

    func mark(lane: Int, _ index: Int, _ state: State) {
        (states + lane * Self.capacity + index).pointee.store(
            state.rawValue, ordering: .sequentiallyConsistent)
    }

    /// What a lane reported, up to the first context that it did not begin.
    func states(ofLane lane: Int) -> [State] {
        var result: [State] = []
        for index in 0..<Self.capacity {
            let byte = (states + lane * Self.capacity + index).pointee.load(ordering: .relaxed)
            guard let state = State(rawValue: byte), state != .none else { break }
            result.append(state)
        }
        return result
    }
}

/// The number of a context: which run of the app, which lane of it, which context of the lane.
struct ContextNumber: CustomStringConvertible {
    var run: Int
    var lane: Int
    var index: Int

    init(run: Int, lane: Int, index: Int) {
        self.run = run
        self.lane = lane
        self.index = index
    }

    init(_ number: Int64) {
        run = Int(number >> 28)
        lane = Int(number >> 24 & 0xF)
        index = Int(number & 0xFF_FFFF)
    }

    var value: Int64 { Int64(run) << 28 | Int64(lane) << 24 | Int64(index) }

    var description: String { "run \(run), lane \(lane), context \(index)" }
}
