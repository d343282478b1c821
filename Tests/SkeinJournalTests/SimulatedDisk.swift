import SkeinPlatform
import Synchronization

@testable import SkeinJournal

/// A disk that can lose what was not synced: files in memory, with what the kernel holds and what the disk has kept
/// apart. Not for more than one journal at a time.
final class SimulatedDisk: JournalStorage, @unchecked Sendable {
    // Sendable: one mutex around everything.
    static let sector = 512

    struct Content {
        /// What reads and mappings see.
        var cached: Mapping
        var count: Int
        /// What survives a power cut for certain.
        var durable: [UInt8]
        /// Writes since the last sync: any of their sectors may survive.
        var unsynced: [Range<Int>] = []
        /// Writes that a failed sync met: readers see them, no later sync writes them, and no error tells of it.
        var lost: [Range<Int>] = []
        /// Whether the name survives.
        var isNamed: Bool
    }

    struct State {
        var files: [String: Content] = [:]
        /// Counts down with each write, reservation, sync and removal; at zero the power is gone.
        var powerAfter = Int.max
        /// Counts down with each sync; at zero one fails.
        var failSyncAfter = Int.max
        var isFull = false
        var operations = 0
        var isLocked = false
        var isDead = false
    }

    let state: Mutex<State>
    let keepsReservations: Bool

    init(keepsReservations: Bool = false, files: [String: Content] = [:]) {
        state = Mutex(State(files: files))
        self.keepsReservations = keepsReservations
    }

    var isPersistent: Bool { true }

    // MARK: Crashes

    /// The disk as the next process finds it: everything the kernel had.
    func killed() -> SimulatedDisk {
        let files = state.withLock { state in
            state.files.mapValues { content in
                var copy = content
                copy.cached = Self.copy(content.bytes, atLeast: content.cached.byteCount)
                return copy
            }
        }
        return SimulatedDisk(keepsReservations: keepsReservations, files: files)
    }

    /// The disk as it is found after a power cut: of what was not synced, any sectors.
    /// - Parameter chance: that an unsynced sector survives, in 256ths; drawn for each cut if nil.
    func powerCut(_ random: inout FastRandom, chance: UInt8? = nil) -> SimulatedDisk {
        let chance = chance ?? [0, 20, 128, 236, 255].randomElement(using: &random)!
        let found = state.withLock { $0.files.sorted { $0.key < $1.key } }
        var files: [String: Content] = [:]
        for (path, content) in found {
            if !content.isNamed && UInt8.random(in: 0...254, using: &random) >= chance { continue }
            let size = content.isNamed || chance == 255 ? content.count : content.count
            var bytes = content.durable + [UInt8](repeating: 0, count: max(0, size - content.durable.count))
            bytes.removeLast(bytes.count - size)
            for range in content.unsynced {
                var start = range.lowerBound
                while start < range.upperBound {
                    let end = min(range.upperBound, (start / Self.sector + 1) * Self.sector)
                    if UInt8.random(in: 0...254, using: &random) < chance, end <= size {
                        bytes.replaceSubrange(start..<end, with: content.cached.bytes[start..<end])
                    }
                    start = end
                }
            }
            files[path] = bytes.withUnsafeBytes { image in
                Content(
                    cached: Self.copy(image, atLeast: max(size, 1)), count: size, durable: bytes,
                    isNamed: true)
            }
        }
        return SimulatedDisk(keepsReservations: keepsReservations, files: files)
    }

    /// The disk of an app, whose stores nobody synced, after a power cut: each page is as it was, or as it is.
    func powerCutOfPages(_ random: inout FastRandom, before: SimulatedDisk) -> SimulatedDisk {
        let disk = killed()
        let old = before.state.withLock { $0.files }
        disk.state.withLock { state in
            for (path, content) in state.files.sorted(by: { $0.key < $1.key }) {
                for page in stride(from: 0, to: content.count, by: 4096) where Bool.random(using: &random) {
                    let end = min(page + 4096, content.count)
                    let kept = old[path].map { min($0.count, end) } ?? 0
                    (content.cached.base + page).initializeMemory(
                        as: UInt8.self, repeating: 0, count: end - page)
                    if let was = old[path], kept > page {
                        (content.cached.base + page).copyMemory(
                            from: was.cached.base + page, byteCount: kept - page)
                    }
                }
            }
        }
        return disk
    }

    /// Changes the bytes of one file behind the journal's back.
    func edit(_ path: String, _ change: (UnsafeMutableRawBufferPointer) -> Void) {
        state.withLock { state in
            guard let content = state.files[path] else { return }
            change(UnsafeMutableRawBufferPointer(start: content.cached.base, count: content.count))
        }
    }

    func truncate(_ path: String, to count: Int) {
        edit(path) { bytes in
            for index in count..<max(count, bytes.count) { bytes[index] = 0 }
        }
        state.withLock { $0.files[path]?.count = count }
    }

    var paths: [String] { state.withLock { $0.files.keys.sorted() } }

    func byteCount(_ path: String) -> Int { state.withLock { $0.files[path]?.count ?? 0 } }

    fileprivate static func copy(_ bytes: UnsafeRawBufferPointer, atLeast count: Int) -> Mapping {
        let rounded = (max(bytes.count, count) + 4095) & ~4095
        let base = try! MemoryMap.anonymous(bytes: max(rounded, 4096))
        if let from = bytes.baseAddress { base.copyMemory(from: from, byteCount: bytes.count) }
        return Mapping(base: base, byteCount: max(rounded, 4096))
    }

    fileprivate static func spend(_ state: inout State) throws(SystemError) {
        state.operations += 1
        if state.powerAfter == 0 {
            state.isDead = true
            throw SystemError(code: EIO)
        }
        state.powerAfter -= 1
    }

    // MARK: The protocol

    func createFolder(_ path: String) throws(SystemError) {}
    func removeFolder(_ path: String) throws(SystemError) {}

    func names(in folder: String) throws(SystemError) -> [String] {
        paths.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }
    }

    func open(_ path: String, create: Bool) throws(SystemError) -> any JournalFile {
        try state.withLock { state throws(SystemError) in
            if state.files[path] == nil {
                guard create else { throw SystemError(code: ENOENT) }
                try Self.spend(&state)
                state.files[path] = Content(
                    cached: Self.copy(UnsafeRawBufferPointer(start: nil, count: 0), atLeast: 4096), count: 0,
                    durable: [], isNamed: false)
            }
        }
        return SimulatedFile(disk: self, path: path)
    }

    func remove(_ path: String) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            try Self.spend(&state)
            guard state.files.removeValue(forKey: path) != nil else { throw SystemError(code: ENOENT) }
        }
    }

    func syncFolder(_ path: String) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            try Self.spend(&state)
            for name in state.files.keys { state.files[name]?.isNamed = true }
        }
    }

    func lock(_ path: String) throws(SystemError) -> (any JournalLock)? {
        let isTaken = state.withLock { state in
            defer { state.isLocked = true }
            return state.isLocked
        }
        return isTaken ? nil : SimulatedLock(disk: self)
    }
}

extension SimulatedDisk.Content {
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: cached.bytes[..<count]) }
}

private final class SimulatedLock: JournalLock {
    let disk: SimulatedDisk

    init(disk: SimulatedDisk) { self.disk = disk }

    var keepsReservations: Bool { disk.keepsReservations }
    func release() { disk.state.withLock { $0.isLocked = false } }
    func forgetInChild() {}
}

private final class SimulatedFile: JournalFile {
    let disk: SimulatedDisk
    let path: String

    init(disk: SimulatedDisk, path: String) {
        self.disk = disk
        self.path = path
    }

    private func change<Result>(
        _ body: (inout SimulatedDisk.State, inout SimulatedDisk.Content) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try disk.state.withLock { state throws(SystemError) in
            guard var content = state.files[path] else { throw SystemError(code: EBADF) }
            // Also when it throws: a sync that failed has lost something.
            defer { state.files[path] = content }
            return try body(&state, &content)
        }
    }

    func byteCount() throws(SystemError) -> Int { try change { _, content in content.count } }

    func reserve(_ bytes: Int) throws(SystemError) {
        try change { state, content throws(SystemError) in
            try SimulatedDisk.spend(&state)
            if state.isFull { throw SystemError(code: ENOSPC) }
            guard bytes > content.count else { return }
            if bytes > content.cached.byteCount {
                content.cached = SimulatedDisk.copy(content.bytes, atLeast: bytes)
            }
            content.count = bytes
        }
    }

    func resize(_ bytes: Int) throws(SystemError) {
        if try bytes > byteCount() { return try reserve(bytes) }
        try change { state, content throws(SystemError) in
            try SimulatedDisk.spend(&state)
            (content.cached.base + bytes).initializeMemory(
                as: UInt8.self, repeating: 0, count: content.count - bytes)
            content.count = bytes
        }
    }

    var keepsReservations: Bool { disk.keepsReservations }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        try change { _, content in
            guard offset < content.count else { return 0 }
            let count = min(buffer.count, content.count - offset)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: content.bytes[offset..<offset + count]))
            return count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        if try offset + bytes.count > byteCount() { try reserve(offset + bytes.count) }
        let error = try change { state, content throws(SystemError) -> SystemError? in
            if state.isDead { throw SystemError(code: EIO) }
            // The write during which the power goes may have got anywhere.
            content.unsynced.append(offset..<offset + bytes.count)
            if let from = bytes.baseAddress {
                (content.cached.base + offset).copyMemory(from: from, byteCount: bytes.count)
            }
            do throws(SystemError) {
                try SimulatedDisk.spend(&state)
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error }
    }

    func sync() throws(SystemError) {
        try change { state, content throws(SystemError) in
            try SimulatedDisk.spend(&state)
            state.failSyncAfter -= 1
            if state.failSyncAfter == 0 {
                // As Linux does it: what could not be written counts as clean from now on.
                content.lost += content.unsynced
                content.unsynced = []
                throw SystemError(code: EIO)
            }
            // All but what was lost and not written again since.
            var image = Array(content.bytes)
            if !content.lost.isEmpty {
                let written = content.unsynced
                let isWritten = { (index: Int) in written.contains { $0.contains(index) } }
                for range in content.lost {
                    for index in range where index < image.count && !isWritten(index) {
                        image[index] = index < content.durable.count ? content.durable[index] : 0
                    }
                }
                // Written again means found again; it is enough for the test to forget whole writes.
                content.lost.removeAll { range in range.allSatisfy(isWritten) }
            }
            content.durable = image
            content.unsynced = []
        }
    }

    func map(_ bytes: Int, writable: Bool) throws(SystemError) -> Mapping {
        try change { _, content throws(SystemError) in
            guard bytes <= content.cached.byteCount else { throw SystemError(code: EINVAL) }
            return Mapping(content.cached, byteCount: bytes)
        }
    }
}
