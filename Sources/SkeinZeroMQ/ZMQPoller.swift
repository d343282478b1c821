import CSkeinZeroMQ
import SkeinPlatform

/// What a socket or descriptor is ready for, or should be watched for.
public struct ZMQReadiness: OptionSet, Sendable, Hashable {
    /// libzmq's `ZMQ_POLL…` bits.
    public let rawValue: Int16

    /// Readiness by libzmq's bits.
    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// At least one frame can be received.
    public static let readable = Self(rawValue: Int16(ZMQ_POLLIN))
    /// At least one frame can be sent.
    public static let writable = Self(rawValue: Int16(ZMQ_POLLOUT))
    /// A descriptor (never a socket) is in error.
    public static let failed = Self(rawValue: Int16(ZMQ_POLLERR))
}

/// Waits for sockets, monitors, wake-ups and descriptors at once. Confined to the thread of its sockets.
///
/// ```swift
/// let context = try ZMQContext()
/// let pull = try ZMQSocket(.pull, in: context)
/// let wakeUp = try WakeUp()
/// var poller = ZMQPoller()
/// let incoming = poller.add(pull, for: .readable)
/// let woken = poller.add(wakeUp)
/// try poller.wait(for: .milliseconds(10))
/// if poller.isReady(woken) { wakeUp.drain() }
/// if poller.isReady(incoming) { let message = try pull.receive() }
/// ```
public struct ZMQPoller {
    /// One watched thing, as ``add(_:for:)`` returned it.
    public struct Item: Sendable, Hashable {
        let index: Int
    }

    private var items: [zmq_pollitem_t] = []
    // Keeps what is watched from being freed, and tells when it was closed.
    private var watched: [AnyObject?] = []

    /// A poller that watches nothing yet.
    public init() {}

    /// Watches a socket. Drop the poller, or ``removeAll()``, before the socket closes.
    public mutating func add(_ socket: borrowing ZMQSocket, for interest: ZMQReadiness) -> Item {
        add(
            zmq_pollitem_t(socket: socket.core.handle, fd: -1, events: interest.rawValue, revents: 0),
            socket.core)
    }

    /// Watches a monitor for events.
    public mutating func add(_ monitor: borrowing ZMQMonitor) -> Item {
        let core = monitor.core
        return add(
            zmq_pollitem_t(socket: core.handle, fd: -1, events: ZMQReadiness.readable.rawValue, revents: 0),
            core)
    }

    /// Watches for a signal from another thread.
    public mutating func add(_ wakeUp: WakeUp) -> Item {
        let interest = ZMQReadiness.readable.rawValue
        return add(zmq_pollitem_t(socket: nil, fd: wakeUp.descriptor, events: interest, revents: 0), wakeUp)
    }

    /// Watches a descriptor, which must stay open as long as it is watched.
    public mutating func add(descriptor: Int32, for interest: ZMQReadiness) -> Item {
        add(zmq_pollitem_t(socket: nil, fd: descriptor, events: interest.rawValue, revents: 0), nil)
    }

    /// Watches for something else from now on; an empty set pauses an item.
    public mutating func setInterest(_ interest: ZMQReadiness, of item: Item) {
        items[item.index].events = interest.rawValue
    }

    /// Forgets all items, which are invalid after it.
    public mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        watched.removeAll(keepingCapacity: true)
    }

    /// Waits until something is ready, or the time is over.
    /// - Parameter timeout: rounded up to milliseconds; zero only looks, nil waits without end.
    /// - Returns: how many items are ready. 0 also when a signal to the process ended the wait.
    @discardableResult
    public mutating func wait(for timeout: Duration?) throws(ZMQError) -> Int {
        for case let core as SocketCore in watched { _ = core.handle }  // traps if one was closed
        let milliseconds = timeout.map { Int(ZMQOption.milliseconds($0)) } ?? -1
        let ready = items.withUnsafeMutableBufferPointer {
            zmq_poll($0.baseAddress, Int32($0.count), milliseconds)
        }
        if ready >= 0 { return Int(ready) }
        let code = zmq_errno()
        if code == EINTR {
            for index in items.indices { items[index].revents = 0 }
            return 0
        }
        throw ZMQError(code: code, operation: "poll")
    }

    /// What the last ``wait(for:)`` found of an item.
    public func readiness(of item: Item) -> ZMQReadiness {
        ZMQReadiness(rawValue: items[item.index].revents)
    }

    /// Whether the last ``wait(for:)`` found anything of an item.
    public func isReady(_ item: Item) -> Bool {
        items[item.index].revents != 0
    }

    private mutating func add(_ item: zmq_pollitem_t, _ object: AnyObject?) -> Item {
        items.append(item)
        watched.append(object)
        return Item(index: items.count - 1)
    }
}
