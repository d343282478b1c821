import SkeinArchive
import SkeinPlatform

/// The files of one day: which type goes to which, and the day folder's lock, held so that nobody zips or prunes it
/// meanwhile.
final class DayFiles {
    let day: ArchiveDay
    /// Unix seconds of its first instant, and of the next day's.
    let start: Double
    let end: Double
    /// The folder's path.
    let folder: String
    let types = ByteInterner()
    /// Slot for each type's number; -1 while its file is closed.
    private(set) var slotOfType: [Int32] = []
    /// Slot of the file for types beyond the limit; -1 while closed.
    var otherSlot: Int32 = -1
    /// How many types have a file of their own, whether open or not.
    var fileCount: Int
    /// Whether files were made in it since the last checkpoint began.
    var hasNewFiles: Bool
    /// Types whose files could not be made, by their numbers, with the reason. Tried again after a while.
    var refusals: [Int: String] = [:]
    /// How many checkpoints had begun when it was last written to: the next one covers it. nil: it was not.
    var writtenAfter: UInt64?
    private var lock: DayFolderLock

    /// Makes the folder if it is missing and takes its lock.
    init(day: ArchiveDay, root: String) throws(OutletFailure) {
        self.day = day
        start = day.startSeconds
        end = day.startSeconds + 86_400
        folder = ArchivePath.folder(logPath: root, day: day)
        var isNew = false
        lock = try Self.prepare(folder, &isNew)
        hasNewFiles = isNew
        fileCount = Self.count(folder, day)
    }

    /// Makes the folder again, after somebody removed it.
    func remake() throws(OutletFailure) {
        lock = try Self.prepare(folder, &hasNewFiles)
        fileCount = Self.count(folder, day)
    }

    private static func prepare(_ folder: String, _ isNew: inout Bool) throws(OutletFailure) -> DayFolderLock
    {
        isNew = true
        if mkdir(folder, 0o755) != 0 {
            let error = SystemError.current
            if error.code != EEXIST { throw .unavailable("cannot make \(folder): \(error)") }
            isNew = false
        }
        do {
            return try DayFolderLock(folder: folder, .shared)
        } catch {
            throw .unavailable(error.description)
        }
    }

    /// The slot for a type's number.
    @inline(__always)
    func slot(ofType number: Int) -> Int32 {
        number < slotOfType.count ? slotOfType[number] : -1
    }

    func set(_ slot: Int32, ofType number: Int) {
        while slotOfType.count <= number { slotOfType.append(-1) }
        slotOfType[number] = slot
    }

    /// Forgets slots wherever they stand.
    func forget(_ slots: Set<Int32>) {
        if slots.contains(otherSlot) { otherSlot = -1 }
        for index in slotOfType.indices where slots.contains(slotOfType[index]) { slotOfType[index] = -1 }
    }

    /// How many types have a file there, plain or zipped.
    private static func count(_ folder: String, _ day: ArchiveDay) -> Int {
        guard let stream = opendir(folder) else { return 0 }
        defer { closedir(stream) }
        let other = ArchivePath.otherFileName(day: day)
        var stems: Set<String> = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix("."), !name.hasPrefix(other) else { continue }
            stems.insert(name.hasSuffix(".bson.zst") ? String(name.dropLast(4)) : name)
        }
        return stems.count
    }
}
