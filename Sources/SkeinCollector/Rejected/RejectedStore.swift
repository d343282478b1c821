import SkeinArchive
import SkeinBSON
import SkeinPlatform
import SkeinWire
import Synchronization

/// Keeps what could not be taken, with the reason, in `<dataPath>/rejected/<day>-<reason>.bson`.
///
/// Each rejected thing is one document in the shape of an event, so that every reader of event files shows it:
/// `{id, type: "rejected.<reason>", host, pid, start, end, body: {reason, source, peer, length, bytes, …}}`. More than
/// 1 MiB of bytes go to a file of their own beside it, `<day>-<reason>-<n>.bin`, which the document names.
///
/// Bounded: over its budget the oldest days go, and if there is only today, nothing more is kept; counting goes on.
final class RejectedStore: Sendable {
    /// What is known about something rejected.
    struct Item {
        var reason: RejectReason
        /// `collect`, `deliver`, or `outlet NAME`.
        var source: String
        /// Where it came from, if known.
        var peer = ""
        /// What exactly was wrong, if there is more to say than the reason.
        var detail = ""
    }

    private struct State {
        var host: String
        var counts: [String: UInt64] = [:]
        var kept: UInt64 = 0
        /// Bytes of all files.
        var usedBytes = 0
        var day: ArchiveDay?
        var descriptors: [String: Int32] = [:]
        var dirty: Set<String> = []
        var hasNewNames = false
        var nextFile = 1
    }

    let folder: String
    private let budgetBytes: Int
    private let warner: Warner
    private let state: Mutex<State>

    private static let inlineBytes = 1 << 20

    init(folder: String, budgetBytes: Int, host: String, warner: Warner) {
        self.folder = folder
        self.budgetBytes = budgetBytes
        self.warner = warner
        var state = State(host: host)
        state.usedBytes = Self.files(folder).reduce(0) { $0 + $1.bytes }
        self.state = Mutex(state)
    }

    deinit {
        state.withLock { state in
            for descriptor in state.descriptors.values { _ = close(descriptor) }
        }
    }

    /// Counts something, keeps it if there is room, and warns.
    func add(_ item: Item, _ bytes: UnsafeRawBufferPointer) {
        let problem = state.withLock { state -> String? in
            state.counts[item.reason.rawValue, default: 0] += 1
            return keep(item, bytes, &state)
        }
        warner.warn("rejected \(item.reason.rawValue)") {
            let peer = item.peer.isEmpty ? "" : " from \(item.peer)"
            let detail = item.detail.isEmpty ? "" : ": \(item.detail)"
            let place = problem.map { "not kept: \($0)" } ?? "kept in \(folder)"
            return
                "rejected \(bytes.count) bytes of \(item.source)\(peer), \(item.reason.rawValue)\(detail); \(place)"
        }
    }

    /// How many were rejected, by reason, since the start.
    var counts: [String: UInt64] { state.withLock { $0.counts } }

    /// How many were kept since the start, and the bytes of all files.
    var usage: (kept: UInt64, bytes: Int) { state.withLock { ($0.kept, $0.usedBytes) } }

    /// Makes what was kept durable. Called before the collector acknowledges past a rejected event.
    func sync() {
        let (files, needsFolder) = state.withLock { state -> ([Int32], Bool) in
            let files = state.dirty.compactMap { state.descriptors[$0] }.compactMap { descriptor -> Int32? in
                let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
                return copy >= 0 ? copy : nil
            }
            state.dirty = []
            defer { state.hasNewNames = false }
            return (files, state.hasNewNames)
        }
        for file in files {
            if let error = FileDurability.sync(file) {
                warner.warn("rejected sync", "cannot sync \(folder): \(error)")
            }
            _ = close(file)
        }
        if needsFolder { _ = FileDurability.syncFolder(folder) }
    }

    // MARK: Files

    /// - Returns: why it was not kept, nil if it was.
    private func keep(_ item: Item, _ bytes: UnsafeRawBufferPointer, _ state: inout State) -> String? {
        let now = SystemClock.wallNanoseconds()
        let today = ArchiveDay(unixNanoseconds: now)
        if state.day != today {
            for descriptor in state.descriptors.values { _ = close(descriptor) }
            state.descriptors = [:]
            state.dirty = []
            state.day = today
        }
        let size = bytes.count + 512
        if state.usedBytes + size > budgetBytes { removeOldDays(today, &state) }
        guard state.usedBytes + size <= budgetBytes else {
            return "the budget of \(ByteSize.print(budgetBytes)) is used up"
        }
        if let error = Folder.make(folder) { return "\(error)" }
        var body: BSONDocument = ["reason": .string(item.reason.rawValue), "source": .string(item.source)]
        if !item.peer.isEmpty { body.append("peer", .string(item.peer)) }
        if !item.detail.isEmpty { body.append("detail", .string(item.detail)) }
        body.append("length", .int64(Int64(bytes.count)))
        if bytes.count > Self.inlineBytes {
            switch write(aside: bytes, "\(today)-\(item.reason.rawValue)", &state) {
            case .success(let name): body.append("file", .string(name))
            case .failure(let error): return "\(error)"
            }
            body.append("bytes", .binary(BSONBinary(subtype: 0, bytes: Array(bytes.prefix(4096)))))
        } else {
            body.append("bytes", .binary(BSONBinary(subtype: 0, bytes: Array(bytes))))
        }
        let seconds = Double(now) * 1e-9
        let id = TraceID(
            high: UInt64(truncatingIfNeeded: now / 1_000_000_000) << 32 | KernelRandom.word() >> 32,
            low: KernelRandom.word())
        let event: BSONDocument = [
            "id": .string(id.description), "type": .string("rejected.\(item.reason.rawValue)"),
            "host": .string(state.host), "pid": .int32(getpid()), "start": .double(seconds),
            "end": .double(seconds),
            "body": .document(body),
        ]
        let name = "\(today)-\(item.reason.rawValue).bson"
        if let error = append(event.bytes, to: name, &state) { return "\(error)" }
        state.kept += 1
        return nil
    }

    private func append(_ bytes: [UInt8], to name: String, _ state: inout State) -> SystemError? {
        let descriptor: Int32
        if let known = state.descriptors[name] {
            descriptor = known
        } else {
            descriptor = open(
                folder + "/" + name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { return .current }
            state.descriptors[name] = descriptor
            state.hasNewNames = true
        }
        let end = lseek(descriptor, 0, SEEK_END)
        let count = bytes.withUnsafeBytes { SkeinPlatform.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else {
            let error = count < 0 ? SystemError.current : SystemError(code: ENOSPC)
            if count > 0, end >= 0 { _ = ftruncate(descriptor, end) }
            return error
        }
        state.usedBytes += count
        state.dirty.insert(name)
        return nil
    }

    private func write(
        aside bytes: UnsafeRawBufferPointer, _ stem: String, _ state: inout State
    ) -> Result<String, SystemError> {
        while true {
            let name = "\(stem)-\(state.nextFile).bin"
            state.nextFile += 1
            let path = folder + "/" + name
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
            if descriptor < 0 {
                if errno == EEXIST { continue }
                return .failure(.current)
            }
            defer { _ = close(descriptor) }
            var offset = 0
            while offset < bytes.count {
                let count = bytes.baseAddress.map {
                    SkeinPlatform.write(descriptor, $0 + offset, bytes.count - offset)
                }
                guard let count, count > 0 else {
                    let error = SystemError.current
                    if error.code == EINTR { continue }
                    unlink(path)
                    return .failure(error)
                }
                offset += count
            }
            if let error = FileDurability.sync(descriptor) {
                unlink(path)
                return .failure(error)
            }
            state.usedBytes += bytes.count
            state.hasNewNames = true
            return .success(name)
        }
    }

    private func removeOldDays(_ today: ArchiveDay, _ state: inout State) {
        var files = Self.files(folder).filter { $0.day < today }.sorted { $0.day < $1.day }
        while state.usedBytes > budgetBytes / 2, let oldest = files.first?.day {
            for file in files where file.day == oldest {
                if unlink(folder + "/" + file.name) == 0 { state.usedBytes -= file.bytes }
            }
            files.removeAll { $0.day == oldest }
        }
    }

    private static func files(_ folder: String) -> [(name: String, day: ArchiveDay, bytes: Int)] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var files: [(name: String, day: ArchiveDay, bytes: Int)] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard let day = ArchiveDay(name.prefix(8)), stat(folder + "/" + name, &status) == 0 else {
                continue
            }
            files.append((name, day, Int(status.st_size)))
        }
        return files
    }
}
