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
    /// The event found last; valid until the next call of ``next()``.
    private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var envelope = EventEnvelope()

    init(_ reader: DocumentReader, fallback: Double? = nil, damage: DamageReport) {
        self.reader = reader
        self.fallback = fallback
        reader.onDamage = { damage.add($0) }
    }

    /// Goes to the next event; false at the end of what there is.
    func next() throws(ToolFailure) -> Bool {
        do throws(ArchiveError) {
            while let view = try reader.next() {
                switch EventCheck.check(view.bytes, into: &envelope) {
                case nil, .noType, .badType:
                    bytes = view.bytes
                    return true
                default:
                    try reader.rejectLast()
                }
            }
            return false
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
