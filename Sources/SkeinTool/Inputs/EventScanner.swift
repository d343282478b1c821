import SkeinArchive
import SkeinBSON
import SkeinPlatform
import SkeinWire

/// The events of one file or pipe, one after the other, each checked through and through. What is no event is
/// reported and passed over.
final class EventScanner {
    let reader: DocumentReader
    /// The time of events that have none.
    let fallback: Double?
    private let selection: EventSelection
    /// The event found last; valid until the next call of ``next()`` or ``step()``.
    private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var envelope = EventEnvelope()

    /// - Parameter selection: events that are not as its conditions say are passed over, looked at only as far as that takes,
    ///   and as their outer structure.
    init(
        _ reader: DocumentReader, fallback: Double? = nil, selection: EventSelection = EventSelection(),
        damage: DamageReport
    ) {
        self.selection = selection
        self.reader = reader
        self.fallback = fallback
        reader.onDamage = { damage.add($0) }
    }

    enum Step {
        case event
        /// Documents that are not wanted, or damaged.
        case passed
        /// The end of what there is.
        case end
    }

    /// Goes to the next event; false at the end of what there is.
    func next() throws(ToolFailure) -> Bool {
        while true {
            switch try step() {
            case .event: return true
            case .passed: continue
            case .end: return false
            }
        }
    }

    /// Goes on by one document, or by several that are not wanted.
    func step() throws(ToolFailure) -> Step {
        do throws(ArchiveError) {
            if !selection.conditions.isEmpty, reader.pass(while: selection.passesOver) > 0 { return .passed }
            guard let view = try reader.next() else { return .end }
            let isWanted = selection.conditions.isEmpty || selection.holds(view)
            switch EventCheck.check(view.bytes, into: &envelope) {
            case nil, .noType, .badType:
                bytes = view.bytes
                return isWanted ? .event : .passed
            default:
                try reader.rejectLast()
                return .passed
            }
        } catch {
            throw .failed(error.message)
        }
    }

    /// Whether ``next()`` would have to wait for a pipe longer than `milliseconds`.
    func mustWait(milliseconds: Int32) -> Bool {
        if reader.hasNext { return false }
        var item = pollfd(fd: reader.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, milliseconds) <= 0
    }
}

/// Tells of what is wrong in files, in bounds.
final class DamageReport {
    private let console: Console
    private var perFile: [String: Int] = [:]
    private(set) var count = 0
    private static let mostPerFile = 10

    init(_ console: Console) {
        self.console = console
    }

    func add(_ damage: ArchiveDamage) {
        count += 1
        let seen = (perFile[damage.file] ?? 0) + 1
        perFile[damage.file] = seen
        if seen <= Self.mostPerFile { console.complain("skein: " + SafeText.of(damage.description)) }
        if seen == Self.mostPerFile {
            console.complain("skein: \(SafeText.of(damage.file)): more damage is not listed")
        }
    }

    /// A file that cannot be read at all.
    func add(_ failure: ArchiveError) {
        count += 1
        console.complain("skein: " + SafeText.of(failure.message))
    }
}
