import SkeinBSON
import SkeinJournal

/// Takes events out of the collector. One thread of an ``OutletRunner`` makes every call.
///
/// What makes it fit for delivery exactly once: after a crash it is given again what follows its last checkpoint,
/// in the same order, and must recognise what its destination already has.
protocol Outlet: AnyObject {
    /// Makes ready to receive.
    /// - Parameter checkpoint: what it said at the last durable checkpoint, and noted since; nil at the first start.
    func open(_ checkpoint: OutletCheckpoint.Resumed?) throws(OutletFailure)

    /// Takes a batch: all of it, or, when it throws, nothing of it.
    func take(_ batch: EventBatch) throws(OutletFailure)

    /// Hands on what was taken and is still held in memory. May be called again after it threw.
    func flush() throws(OutletFailure)

    /// Hands on what is much already, while the processor's caches still have it. Called after each batch; may do nothing.
    func relieve() throws(OutletFailure)

    /// Bytes that were taken and are still held in memory.
    var heldBytes: Int { get }

    /// Everything that the journal held when the outlet was opened has been given again.
    func caughtUp() throws(OutletFailure)

    /// Called about once a second: for what goes by time.
    func tick(now: Int64) throws(OutletFailure)

    /// Begins to make everything taken so far durable; false if the last one is still under way.
    func beginCheckpoint() throws(OutletFailure) -> Bool

    /// Ends the checkpoint that was begun, if it is through.
    /// - Parameter keep: called with what to keep with the checkpoint, and the notes made since it began.
    /// - Returns: whether it was through and kept.
    func endCheckpoint(
        _ keep: (BSONDocument, [BSONDocument]) throws(OutletFailure) -> Void
    ) throws(OutletFailure) -> Bool

    /// Lets go of files and the like, so that others may move them; it goes on with the next event.
    func rotate() throws(OutletFailure)

    /// Ends, without a checkpoint. Calls nothing of it any more.
    func close()

    /// What STATUS should say of it beyond its counters.
    var details: BSONDocument { get }
}

extension Outlet {
    func relieve() throws(OutletFailure) {}
}

/// Why an outlet did not take what it was given.
enum OutletFailure: Error {
    /// Its destination cannot be reached or has no room: to be tried again, with the same events.
    case unavailable(String)
    /// The destination will never take these events of the batch (indices into it); the rest it may.
    case refused([Int], String)
    /// What was handed on since the last checkpoint may be lost: to be opened anew, and given it again.
    case distrusted(String)
}
