import SkeinPlatform
import SkeinZeroMQ

/// A bounded queue and the thread that sends what is in it over a PUSH socket.
final class PushLine: Sendable {
    private struct State {
        var queue: [[[UInt8]]] = []
        /// How many at the front of the queue were sent already.
        var head = 0
        var bytes = 0
        var statistics = ZeroMQHandler.Statistics()
        /// The process that the thread belongs to; 0 before there is one.
        var owner: Int32 = 0
        var isClosing = false
        /// Monotonic nanoseconds; what waits at that time is dropped.
        var closeBy = Int64.max
        var hasEnded = false

        var waiting: Int { queue.count - head }
    }

    private let endpoint: String
    private let capacity: Int
    private let capacityBytes: Int
    private let state = Monitor(State())

    init(_ endpoint: String, capacity: Int, bytes: Int) {
        self.endpoint = endpoint
        self.capacity = capacity
        capacityBytes = bytes
    }

    /// Whether libzmq knows such an endpoint.
    func check() throws(LoggingError) {
        do {
            let context = try ZMQContext()
            do {
                let socket = try Self.socket(context, endpoint)
                socket.close()
            }
            context.terminate()
        } catch {
            throw LoggingError(.endpoint, "endpoint \(endpoint): \(error); it looks like tcp://host:5010")
        }
    }

    private static func socket(_ context: ZMQContext, _ endpoint: String) throws(ZMQError) -> ZMQSocket {
        let socket = try ZMQSocket(.push, in: context)
        // Without a connection nothing is queued in libzmq: what waits, waits here, where it is counted.
        try socket.set(
            .immediate(true), .linger(.milliseconds(500)), .sendHighWaterMark(1_000),
            .reconnectInterval(.milliseconds(100)), .reconnectIntervalMaximum(.seconds(5)), .ipv6(true))
        try socket.connect(endpoint)
        return socket
    }

    // MARK: The app's side

    func enqueue(_ frames: [[UInt8]]) -> Bool {
        let size = frames.reduce(0) { $0 + $1.count }
        let process = getpid()
        return state.update { state in
            guard !state.isClosing else {
                state.statistics.droppedClosed += 1
                return false
            }
            if state.owner != process {
                // The first record of this process; after a fork what waits is the parent's, and the thread is not here.
                if state.owner != 0 { state = State() }
                state.owner = process
                guard start() else {
                    state.owner = 0
                    state.statistics.droppedQueueFull += 1
                    return false
                }
            }
            guard size <= capacityBytes else {
                state.statistics.droppedUnserializable += 1
                return false
            }
            guard state.waiting < capacity, state.bytes + size <= capacityBytes else {
                state.statistics.droppedQueueFull += 1
                return false
            }
            state.queue.append(frames)
            state.bytes += size
            return true
        }
    }

    func countUnserializable() { state.withLock { $0.statistics.droppedUnserializable += 1 } }

    var statistics: ZeroMQHandler.Statistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.waiting
            return statistics
        }
    }

    func flush(by deadline: Int64) {
        let process = getpid()
        _ = state.wait(until: deadline) { state in
            state.waiting == 0 || state.owner != process || state.hasEnded ? true : nil
        }
    }

    func close(by deadline: Int64) {
        abandon(by: deadline)
        let process = getpid()
        _ = state.wait(until: deadline + 1_000_000_000) { state in
            state.hasEnded || state.owner != process ? true : nil
        }
    }

    /// Lets the thread send what waits, and end by itself.
    func abandon(by deadline: Int64 = SystemClock.monotonicNanoseconds() + 2_000_000_000) {
        state.update { state in
            if !state.isClosing { state.closeBy = deadline }
            state.isClosing = true
        }
    }

    // MARK: The thread's side

    private func start() -> Bool {
        do {
            let thread = try SystemThread(name: "skein-push") { [self] in
                CurrentThread.activity = .ownWork
                ForkGate.enter()
                send()
                ForkGate.leave()
                state.update { $0.hasEnded = true }
            }
            thread.detach()
            return true
        } catch {
            return false
        }
    }

    private func send() {
        // An endpoint that was good before is good; libzmq without memory or descriptors is waited out.
        while true {
            do {
                let context = try ZMQContext()
                do {
                    let socket = try Self.socket(context, endpoint)
                    send(over: socket)
                    socket.close()
                }
                context.terminate()
                return
            } catch {
                if pause(.seconds(1)) { return drop() }
            }
        }
    }

    private func send(over socket: borrowing ZMQSocket) {
        while let frames = next() {
            // A message is taken whole or not at all; without a connection, or to a peer that is slow, not now.
            while (try? socket.sendMultipart(frames)) != true {
                if pause(.milliseconds(10)) { return drop() }
            }
            state.update { state in
                state.statistics.sent += 1
                state.bytes -= frames.reduce(0) { $0 + $1.count }
                state.queue[state.head] = []
                state.head += 1
                if state.head == state.queue.count {
                    state.queue.removeAll(keepingCapacity: true)
                    state.head = 0
                } else if state.head >= 1_024, state.head * 2 >= state.queue.count {
                    state.queue.removeFirst(state.head)
                    state.head = 0
                }
            }
        }
    }

    /// Waits for the next message; nil once it ends and nothing is left.
    private func next() -> [[UInt8]]? {
        func peek(_ state: inout State) -> [[UInt8]]?? {
            if state.waiting > 0 { return .some(state.queue[state.head]) }
            return state.isClosing ? .some(nil) : nil
        }
        if let ready = state.withLock(peek) { return ready }
        return ForkGate.pausing { state.wait(until: .max, peek) ?? nil }
    }

    /// Waits a moment. - Returns: whether the time to close is over.
    private func pause(_ time: Duration) -> Bool {
        let deadline = SystemClock.monotonicNanoseconds() + time.wholeNanoseconds
        return ForkGate.pausing {
            state.wait(until: deadline) { state in
                state.isClosing && SystemClock.monotonicNanoseconds() >= state.closeBy ? true : nil
            } ?? state.withLock { $0.isClosing && SystemClock.monotonicNanoseconds() >= $0.closeBy }
        }
    }

    /// Gives up what is left.
    private func drop() {
        state.update { state in
            state.statistics.droppedClosed += UInt64(state.waiting)
            state.queue = []
            state.head = 0
            state.bytes = 0
        }
    }
}
