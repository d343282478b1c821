import SkeinJournal
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

/// Appends bare BSON documents to a file. The cursor moves when they are written; they are synced on a flush.
///
/// A batch that could not be written whole is taken back off the file's end, unless somebody else wrote behind it. A
/// file that was moved away is made anew.
final class FileTransport: Transport {
    let kind = Endpoint.Transport.file
    private let endpoint: Endpoint
    private let configuration: Shipper.Configuration
    private let journal: any ShippableJournal
    private let warn: (String) -> Void
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []
    private var statistics = ShipperStatistics()
    private var nextTry: Int64 = 0
    private var nextLook: Int64 = 0
    private var needsSync = false

    init(
        _ endpoint: Endpoint, _ configuration: Shipper.Configuration, _ journal: any ShippableJournal,
        warn: @escaping (String) -> Void
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.journal = journal
        self.warn = warn
    }

    deinit {
        if descriptor >= 0 { _ = SkeinPlatform.close(descriptor) }
    }

    var isConnected: Bool { descriptor >= 0 }
    var finding: Finding? { nil }
    var nextDeadline: Int64? { nextTry > 0 ? nextTry : nil }

    func receive(now: Int64) {
        if now >= nextLook {
            nextLook = now + 1_000_000_000
            leaveIfMoved()
        }
        if descriptor < 0 && now >= nextTry { open(now) }
    }

    func send(_ lanes: [Lane], now: Int64) -> SendOutcome {
        guard descriptor >= 0, now >= nextTry else { return .blocked(lanes) }
        var outcome = SendOutcome()
        for lane in lanes {
            let step = send(lane, now)
            outcome.add(step, of: lane)
            if step == .blocked { return .blocked(lanes) }
        }
        return outcome
    }

    private func send(_ lane: Lane, _ now: Int64) -> LaneOutcome {
        for round in 0..<16 {
            guard let run = lane.peek(maximumBytes: configuration.batchBytes, now: now) else {
                return round > 0 ? .sent : .drained
            }
            let count = gather(run)
            guard write(now) else { return .blocked }
            lane.taken()
            lane.acknowledge(through: run.last, of: run.stream, now: now)
            statistics.acknowledged += UInt64(count)
            if run.isResumed { statistics.acknowledgedOfEarlier += UInt64(count) }
            statistics.batchesSent += 1
            statistics.bytesSent += UInt64(buffer.count)
            statistics.lastAcknowledgement = now
            journal.count(.acknowledged, UInt64(count))
        }
        return .more
    }

    /// Puts a run's events behind each other.
    private func gather(_ run: ShippableRun) -> Int {
        buffer.removeAll(keepingCapacity: true)
        var count = 0
        var records = RecordCursor(run.bytes)
        while let record = records.next() {
            guard record.kind == .event else { continue }
            buffer.append(contentsOf: record.payload)
            count += 1
        }
        return count
    }

    private func open(_ now: Int64) {
        descriptor = endpoint.path.withCString {
            SkeinPlatform.open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        }
        guard descriptor >= 0 else { return failed("opening", SystemError.current, now) }
        nextTry = 0
    }

    /// Writes the buffer, all of it or nothing.
    private func write(_ now: Int64) -> Bool {
        var written = 0
        let size = buffer.count
        while written < size {
            let count = buffer.withUnsafeBytes { bytes in
                bytes.baseAddress.map { SkeinPlatform.write(descriptor, $0 + written, size - written) } ?? 0
            }
            if count < 0 {
                let error = SystemError.current
                if error.code == EINTR { continue }
                takeBack(written)
                failed("writing to", error, now)
                return false
            }
            written += count
        }
        nextTry = 0
        needsSync = true
        return true
    }

    /// Takes the beginning of a batch off the file's end again, if nobody wrote behind it.
    private func takeBack(_ written: Int) {
        guard written > 0 else { return }
        let position = lseek(descriptor, 0, SEEK_CUR)
        var status = stat()
        guard position >= off_t(written), fstat(descriptor, &status) == 0, status.st_size == position else {
            return
        }
        _ = ftruncate(descriptor, position - off_t(written))
    }

    private func failed(_ what: String, _ error: SystemError, _ now: Int64) {
        nextTry = now + 1_000_000_000
        warn(
            "\(what) \(endpoint.path) failed: \(error); records are kept in the journal, and it is tried again"
        )
    }

    private func leaveIfMoved() {
        guard descriptor >= 0 else { return }
        var mine = stat()
        var there = stat()
        let isThere = endpoint.path.withCString { stat($0, &there) } == 0
        guard fstat(descriptor, &mine) == 0, isThere, mine.st_ino == there.st_ino, mine.st_dev == there.st_dev
        else {
            _ = SkeinPlatform.close(descriptor)
            descriptor = -1
            return
        }
    }

    func finish(now: Int64) -> Bool {
        if needsSync, descriptor >= 0 {
            _ = fsync(descriptor)
            needsSync = false
        }
        return true
    }

    func close(linger: Duration) {
        if descriptor >= 0 { _ = SkeinPlatform.close(descriptor) }
        descriptor = -1
    }

    func watch(_ poller: inout ZMQPoller) {}

    func report(_ statistics: inout ShipperStatistics) {
        statistics.add(self.statistics)
    }
}
