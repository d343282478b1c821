import SkeinPlatform

/// One name of a log, followed through whatever rotates it: renamed and made anew, or copied and cut short.
final class FollowedLog {
    /// A file that has, or had, the name.
    private struct Opened {
        let descriptor: Int32
        let device: UInt64
        let inode: UInt64
        /// Where the next read begins.
        var read: UInt64
        /// Where the next line begins.
        var line: UInt64
        var check: FileCheck
        var splitter = LineSplitter()
        /// Since when an old one has not grown, monotonic nanoseconds.
        var quietSince: Int64 = 0
    }

    let path: String
    let type: String
    private var current: Opened?
    private var old: Opened?
    private let console: Console
    private var isMissingTold = false

    /// An old file that its writer still has open may grow; after so long without it does not any more.
    private static let grace: Int64 = 5_000_000_000
    private static let chunkBytes = 256 << 10
    /// Read of one file before the others have a turn.
    private static let turnBytes = 4 << 20

    init(path: String, type: String, console: Console) {
        self.path = path
        self.type = type
        self.console = console
    }

    deinit {
        for file in [current, old] { if let file { _ = close(file.descriptor) } }
    }

    /// Where it is in its files.
    var positions: LogPositions {
        LogPositions(current: current.map(Self.position), old: old.map(Self.position))
    }

    private static func position(_ file: Opened) -> FilePosition {
        var position = FilePosition(device: file.device, inode: file.inode, offset: file.line)
        position.check = file.check
        return position
    }

    // MARK: Beginning

    /// Opens what there is.
    /// - Parameters:
    ///   - positions: where an earlier run was; nil: there was none.
    ///   - fromStart: whether a file that was not followed before is read from its start.
    func begin(_ positions: LogPositions?, fromStart: Bool) {
        guard let file = Self.open(path) else { return }
        guard let positions, let place = positions.current else {
            current = fromStart ? file : atEnd(file)
            return
        }
        if let before = positions.old { old = findAgain(before, besides: file.inode) }
        if Self.isSame(file, place) {
            current = Self.resumed(file, place)
            return
        }
        // It was rotated while nobody looked: what was left of it may be there under another name, or in a copy.
        if let rest = findAgain(place, besides: nil) {
            finishOld { _ in }
            old = rest
        } else {
            console.complain(
                "skein: \(SafeText.of(path)) was rotated while it was not followed, and what followed is not found beside it"
            )
        }
        current = file
    }

    private static func open(_ path: String) -> Opened? {
        let descriptor = SkeinPlatform.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = close(descriptor)
            return nil
        }
        return Opened(
            descriptor: descriptor, device: UInt64(status.st_dev), inode: UInt64(status.st_ino), read: 0,
            line: 0, check: FileCheck())
    }

    private static func size(_ descriptor: Int32) -> UInt64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(max(0, status.st_size)) : 0
    }

    /// Whether a place is in this file: it has the number, is long enough, and the same bytes before.
    private static func isSame(_ file: Opened, _ place: FilePosition) -> Bool {
        file.device == place.device && file.inode == place.inode && continues(file, place)
    }

    private static func continues(_ file: Opened, _ place: FilePosition) -> Bool {
        size(file.descriptor) >= place.offset && place.check.holds(file.descriptor)
    }

    private static func resumed(_ file: Opened, _ place: FilePosition) -> Opened {
        var file = file
        file.read = place.offset
        file.line = place.offset
        file.check = place.check
        return file
    }

    /// The end, or where the line begins that is being written there.
    private func atEnd(_ file: Opened) -> Opened {
        var file = file
        let size = Self.size(file.descriptor)
        var start = size
        var buffer = [UInt8](repeating: 0, count: LineSplitter.mostBytes)
        let wanted = Int(min(size, UInt64(buffer.count)))
        let count = pread(file.descriptor, &buffer, wanted, off_t(size) - off_t(wanted))
        if count == wanted, let last = buffer[..<wanted].lastIndex(of: 10) {
            start = size - UInt64(wanted) + UInt64(last) + 1
        }
        file.read = start
        file.line = start
        file.check = FileCheck(file.descriptor, before: start)
        return file
    }

    /// A file beside ours that has a place: the same one under another name, or a copy of it.
    private func findAgain(_ place: FilePosition, besides current: UInt64?) -> Opened? {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? "./"
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        var copy: Opened?
        for other in Self.names(folder) where other.hasPrefix(name) {
            guard let file = Self.open(folder + other) else { continue }
            if file.inode != current, Self.isSame(file, place) {
                if let copy { _ = close(copy.descriptor) }
                return Self.resumed(file, place)
            }
            // Without bytes to compare any file would do.
            let isCopy = other != name && place.check.count > 0 && Self.continues(file, place)
            if isCopy, copy == nil {
                copy = Self.resumed(file, place)
            } else {
                _ = close(file.descriptor)
            }
        }
        return copy
    }

    private static func names(_ folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream), names.count < 100_000 {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.sorted()
    }

    // MARK: Reading

    /// Reads what there is, for a while.
    /// - Parameter take: called for each line; it has the place behind it then.
    /// - Returns: whether there was anything.
    func turn(_ take: (LineSplitter.Line) throws(ToolFailure) -> Void) throws(ToolFailure) -> Bool {
        var hasRead = false
        let now = SystemClock.monotonicNanoseconds()
        if old != nil {
            if try read(\.old, take) {
                hasRead = true
                old?.quietSince = now
            } else if now - (old?.quietSince ?? 0) > Self.grace {
                try endOld(take)
            }
        }
        if try read(\.current, take) { hasRead = true }
        if !hasRead { hasRead = try look(take) }
        return hasRead
    }

    private func read(
        _ which: ReferenceWritableKeyPath<FollowedLog, Opened?>,
        _ take: (LineSplitter.Line) throws(ToolFailure) -> Void
    ) throws(ToolFailure) -> Bool {
        guard let file = self[keyPath: which] else { return false }
        if Self.size(file.descriptor) == file.read, which == \.current { return false }
        guard try !restart(which, take) else { return true }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 16)
        defer { buffer.deallocate() }
        var total = 0
        while total < Self.turnBytes, let place = self[keyPath: which]?.read {
            let count = pread(file.descriptor, buffer.baseAddress, buffer.count, off_t(place))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            total += count
            // Out of the object while it works, so that what it calls can ask for the places.
            guard var splitter = self[keyPath: which]?.splitter else { break }
            do throws(ToolFailure) {
                try splitter.append(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                    line throws(ToolFailure) in
                    self[keyPath: which]?.line += UInt64(line.consumed)
                    try take(line)
                }
            } catch {
                // What was taken is known by the line's place; the rest is read again.
                throw error
            }
            self[keyPath: which]?.splitter = splitter
            self[keyPath: which]?.read += UInt64(count)
            self[keyPath: which]?.check = FileCheck(file.descriptor, before: place + UInt64(count))
            if let line = self[keyPath: which]?.line, line < place + UInt64(count) {
                self[keyPath: which]?.check = FileCheck(file.descriptor, before: line)
            }
        }
        return total > 0
    }

    /// Begins a file anew that was cut short, or that has other bytes now where it was read.
    private func restart(
        _ which: ReferenceWritableKeyPath<FollowedLog, Opened?>,
        _ take: (LineSplitter.Line) throws(ToolFailure) -> Void
    ) throws(ToolFailure) -> Bool {
        guard let file = self[keyPath: which] else { return false }
        let isShorter = Self.size(file.descriptor) < file.read
        guard isShorter || !file.check.holds(file.descriptor) else { return false }
        // A copy may have what was written between the last look and the cut.
        let place = Self.position(file)
        if which == \.current, old == nil, let copy = findAgain(place, besides: file.inode),
            copy.inode != file.inode
        {
            old = copy
            old?.quietSince = 0
            self[keyPath: which]?.splitter = LineSplitter()
            while try read(\.old, take) {}
            try endOld(take)
        } else if var splitter = self[keyPath: which]?.splitter {
            try splitter.finish(take)
        }
        self[keyPath: which]?.splitter = LineSplitter()
        self[keyPath: which]?.read = 0
        self[keyPath: which]?.line = 0
        self[keyPath: which]?.check = FileCheck()
        return true
    }

    /// Looks whether another file has the name.
    private func look(_ take: (LineSplitter.Line) throws(ToolFailure) -> Void) throws(ToolFailure) -> Bool {
        var named = stat()
        guard stat(path, &named) == 0 else {
            if current == nil, !isMissingTold {
                isMissingTold = true
                console.complain("skein: waiting for \(SafeText.of(path))")
            }
            return false
        }
        if let current, current.inode == UInt64(named.st_ino), current.device == UInt64(named.st_dev) {
            return false
        }
        guard let anew = Self.open(path) else { return false }
        if current != nil {
            // Two rotations in short order: the first is given up waiting for.
            if old != nil { try endOld(take) }
            old = current
            old?.quietSince = SystemClock.monotonicNanoseconds()
            while try read(\.old, take) {}
        }
        current = anew
        return true
    }

    /// An old file grows no more: what has no end is a line, too.
    private func endOld(_ take: (LineSplitter.Line) throws(ToolFailure) -> Void) throws(ToolFailure) {
        guard var splitter = old?.splitter else { return }
        try splitter.finish { line throws(ToolFailure) in
            old?.line += UInt64(line.consumed)
            try take(line)
        }
        finishOld { _ in }
    }

    private func finishOld(_ body: (Opened) -> Void) {
        if let old {
            body(old)
            _ = close(old.descriptor)
        }
        old = nil
    }
}
