import SkeinArchive
import SkeinBSON
import SkeinPlatform

/// Writes each event's bytes to `<root>/<day>/<type>-<day>.bson`, every event exactly once.
///
/// Events are gathered for each file and written in few calls. How exactly once comes about:
///
/// - A *checkpoint* makes all files durable and keeps, beside the place in the journal, how long each file was.
/// - Before a file that the checkpoint does not tell of is written to, its length is *noted* durably.
/// - After a crash the outlet is given again what follows its checkpoint. From the same events it makes
///   the same bytes for the same files, so it compares them with what each file already has beyond its noted
///   length, and appends only what is missing. Only where bytes differ (a torn write of a power cut) the file is cut.
///
/// That an event always goes to the same file rests on three things: the day is a function of the document and of its
/// arrival time in the journal; the file is a function of the type, as long as a type for which there is a file
/// keeps it; and the order is that of the journal.
final class FilesOutlet: Outlet {
    let root: String
    let settings: OutletConfiguration.Files
    let checkpointFile: OutletCheckpointFile
    let warner: Warner
    let syncer: FileSyncer

    let files = FileSlots()
    /// By the index in ``FileSlot/day``; nil where a day's files are all closed.
    var days: [DayFiles?] = []
    /// Index of the day that the last event went to.
    private var currentDay = -1
    /// Slots with something in their buffers.
    var waiting: [Int] = []
    /// Those of them whose buffers hold so much that they are written by themselves.
    var large: [Int] = []
    var heldBytes = 0
    /// Descriptors that are open, and how many may be.
    var openFiles = 0
    var maximumOpenFiles = 512

    // What a crash left: lengths at the last checkpoint of files that were not looked at yet.
    var resumed: [String: Int] = [:]
    /// Whether what stands beyond these lengths may be compared, or must be written anew.
    var trustsFiles = true

    // Checkpoints.
    /// Paths of which the checkpoint's file tells how long they were.
    var notedPaths: Set<String> = []
    var dirty: [Int] = []
    /// Descriptors of files that were closed before they were synced.
    var closedDirty: [Int32] = []
    var hasNewDays = false
    var checkpoint: (details: BSONDocument, paths: [String])?
    /// What was noted after the checkpoint under way began.
    var notesSince: [BSONDocument] = []
    /// How many checkpoints began, and how many of them were kept.
    var checkpointsBegun: UInt64 = 0
    var checkpointsKept: UInt64 = 0
    /// Days whose files are all closed, with writes that no checkpoint covers: they keep their locks, so that nobody zips
    /// what would be written again after a crash.
    var uncoveredDays: [DayFiles] = []

    /// How often what happened; reported by STATUS.
    struct Figures {
        /// Events filed under the day they arrived, because their own time is too far from it.
        var clockSkew = 0
        /// Files cut where they differed from the journal.
        var truncated = 0
        /// Torn documents cut off the end of files.
        var torn = 0
        /// Files made anew because somebody had moved or removed them.
        var replaced = 0
    }
    var figures = Figures()

    /// What fits into a processor's second-level cache beside the journal's bytes that it is copied from.
    private static let largeBytes = 512 << 10

    private var slotOfEvent: UnsafeMutableBufferPointer<Int32> = .allocate(capacity: 4096)

    /// - Parameters:
    ///   - checkpointFile: where to note lengths.
    ///   - onSynced: called on another thread when ``endCheckpoint(_:)`` has something to tell.
    init(
        settings: OutletConfiguration.Files, checkpointFile: OutletCheckpointFile, warner: Warner,
        onSynced: @escaping @Sendable () -> Void
    ) {
        self.settings = settings
        self.checkpointFile = checkpointFile
        self.warner = warner
        root = settings.path
        syncer = FileSyncer(onDone: onSynced)
    }

    deinit {
        syncer.stop()
        slotOfEvent.deallocate()
    }

    // MARK: Opening and closing

    func open(_ checkpoint: OutletCheckpoint.Resumed?) throws(OutletFailure) {
        if let error = Folder.make(root) { throw .unavailable("cannot make \(root): \(error)") }
        maximumOpenFiles = OpenFileLimit.raise() / 2
        resumed = [:]
        notedPaths = []
        guard let checkpoint else { return }
        let details = checkpoint.checkpoint.details
        figures.clockSkew = Int(details["clock_skew"]?.intValue ?? 0)
        for (path, length) in details["files"]?.documentValue ?? [:] {
            resumed[path] = length.intValue.flatMap { Int(exactly: $0) }
        }
        for note in checkpoint.notes {
            let replaces = note["replaced"]?.boolValue ?? false
            for (path, length) in note["files"]?.documentValue ?? [:] where replaces || resumed[path] == nil {
                resumed[path] = length.intValue.flatMap { Int(exactly: $0) }
            }
        }
        notedPaths = Set(resumed.keys)
    }

    func close() {
        syncer.stop()
        _ = syncer.result()
        for descriptor in closedDirty { _ = SkeinPlatform.close(descriptor) }
        closedDirty = []
        for index in files.indices where files.slots[index].isUsed { files.remove(index) }
        days = []
        uncoveredDays = []
        currentDay = -1
        waiting = []
        large = []
        dirty = []
        heldBytes = 0
        openFiles = 0
        checkpoint = nil
        notesSince = []
    }

    var details: BSONDocument {
        [
            "path": .string(root), "open_files": .int64(Int64(openFiles)),
            "clock_skew": .int64(Int64(figures.clockSkew)), "truncated": .int64(Int64(figures.truncated)),
            "torn": .int64(Int64(figures.torn)),
            "replaced": .int64(Int64(figures.replaced)),
        ]
    }

    // MARK: Taking events

    func take(_ batch: EventBatch) throws(OutletFailure) {
        let count = batch.events.count
        if slotOfEvent.count < count {
            slotOfEvent.deallocate()
            slotOfEvent = .allocate(capacity: count * 2)
        }
        let skewed = try findFiles(batch)
        let now = SystemClock.monotonicNanoseconds()
        var bytes = 0
        // Local, so that the loop pays for no checks of exclusive access.
        let slots = files.slots
        let slotOfEvent = slotOfEvent
        for index in 0..<count {
            let place = batch.events[index]
            let slot = slots + Int(slotOfEvent[index])
            if slot.pointee.used == 0 { waiting.append(Int(slotOfEvent[index])) }
            slot.pointee.lastUse = now
            let used = slot.pointee.used
            slot.pointee.append(batch.document(place))
            if used < Self.largeBytes && slot.pointee.used >= Self.largeBytes {
                large.append(Int(slotOfEvent[index]))
            }
            bytes &+= Int(place.count)
        }
        heldBytes += bytes
        figures.clockSkew += skewed
    }

    /// Finds the file of each event, opening those that are new, before anything of the batch is taken.
    /// - Returns: how many go under the day of their arrival because their own time is too far from it.
    private func findFiles(_ batch: EventBatch) throws(OutletFailure) -> Int {
        guard let first = batch.events.first else { return 0 }
        var skewed = 0
        var refused: [Int] = []
        var reason = ""
        var day = try dayFiles(Double(batch.arrival(first)) * 1e-9, arrival: batch.arrival(first))
        let slotOfEvent = slotOfEvent
        for index in 0..<batch.events.count {
            let place = batch.events[index]
            let scan = EventScan(batch.document(place))
            let arrival = batch.arrival(place)
            let time = Self.layoutTime(scan.time, arrival: arrival, skewed: &skewed)
            do throws(OutletFailure) {
                if time < day.start || time >= day.end { day = try dayFiles(time, arrival: arrival) }
                var slot = Int32(-1)
                let type = day.types.find(scan.type)
                if type >= 0 { slot = day.slot(ofType: type) }
                if slot < 0 { slot = try openFile(type: scan.type, day: currentDay) }
                slotOfEvent[index] = slot
            } catch {
                guard case .refused(_, let text) = error else { throw error }
                refused.append(index)
                reason = text
            }
        }
        if !refused.isEmpty { throw .refused(refused, reason) }
        return skewed
    }

    /// The time by which an event is filed: its own if that lies within 7 days before and 1 day after its arrival, else
    /// that of its arrival.
    @inline(__always)
    private static func layoutTime(_ time: Double, arrival: Int64, skewed: inout Int) -> Double {
        let arrived = Double(arrival) * 1e-9
        if time >= arrived - 604_800 && time <= arrived + 86_400 { return time }
        if !time.isNaN { skewed &+= 1 }
        return arrived
    }

    private func dayFiles(_ time: Double, arrival: Int64) throws(OutletFailure) -> DayFiles {
        if currentDay >= 0, let known = days[currentDay], time >= known.start, time < known.end {
            return known
        }
        let day = ArchiveDay(unixSeconds: time) ?? ArchiveDay(unixNanoseconds: arrival)
        if let index = days.firstIndex(where: { $0?.day == day }), let known = days[index] {
            currentDay = index
            return known
        }
        let new = try DayFiles(day: day, root: root)
        if new.hasNewFiles { hasNewDays = true }
        if let index = days.firstIndex(where: { $0 == nil }) {
            currentDay = index
            days[index] = new
        } else {
            currentDay = days.count
            days.append(new)
        }
        return new
    }

    /// Forgets the day last used, if it is that one.
    func forgetDay(_ index: Int) {
        if let day = days[index], let written = day.writtenAfter, written >= checkpointsKept {
            uncoveredDays.append(day)
        }
        days[index] = nil
        if currentDay == index { currentDay = -1 }
    }
}
