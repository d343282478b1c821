import SkeinPlatform
import SkeinWire

/// A lane of the journal with what the shipper knows of it. Errors of the journal end up as warnings here, and are
/// tried again each second.
final class Lane {
    let index: Int
    private let lane: any ShippableLane
    private let warn: (String) -> Void
    /// Read, and not sent yet.
    var held: ShippableRun?
    /// How many bytes of `held` are sent, where records are sent one by one.
    var offset = 0
    /// Acknowledgements that could not be written.
    private var owed: [StreamIdentity: UInt64] = [:]
    private var nextTry: Int64 = 0
    /// Whether the other end took nothing more when it was last tried.
    var isBlocked = false

    init(_ lane: any ShippableLane, index: Int, warn: @escaping (String) -> Void) {
        self.lane = lane
        self.index = index
        self.warn = warn
    }

    /// What is to be sent next; the same again until ``taken()``.
    func peek(maximumBytes: Int, now: Int64) -> ShippableRun? {
        if let held { return held }
        guard now >= nextTry else { return nil }
        do {
            held = try lane.next(maximumBytes: maximumBytes)
            offset = 0
        } catch {
            failed("reading the journal", error, now)
        }
        return held
    }

    /// What ``peek(maximumBytes:now:)`` returned was sent.
    func taken() {
        held = nil
        offset = 0
    }

    func rewind() {
        held = nil
        offset = 0
        lane.rewind()
    }

    func acknowledge(through number: UInt64, of stream: StreamIdentity, now: Int64) {
        do {
            try lane.acknowledge(through: number, of: stream)
            owed[stream] = nil
        } catch {
            owed[stream] = number
            failed("moving the journal's cursor", error, now)
        }
    }

    /// Writes what could not be written before.
    func settle(now: Int64) {
        guard !owed.isEmpty, now >= nextTry else { return }
        for (stream, number) in owed { acknowledge(through: number, of: stream, now: now) }
    }

    /// Whether the journal failed, and is to be left alone for a while.
    func isPaused(now: Int64) -> Bool { now < nextTry }

    /// When something that failed is to be tried again.
    var nextDeadline: Int64? { owed.isEmpty && nextTry == 0 ? nil : nextTry }

    func firstUnacknowledged(of stream: StreamIdentity) -> UInt64? { lane.firstUnacknowledged(of: stream) }
    func hasPassed(_ mark: UInt64) -> Bool { lane.hasPassed(mark) }
    func isComplete(_ stream: StreamIdentity) -> Bool { lane.isComplete(stream) }
    func armWakeUp(afterBytes bytes: Int) -> Bool { lane.armWakeUp(afterBytes: bytes) }
    var backlogBytes: Int { lane.backlogBytes }

    private func failed(_ what: String, _ error: any Error, _ now: Int64) {
        nextTry = now + 1_000_000_000
        warn("\(what): \(error)")
    }
}
