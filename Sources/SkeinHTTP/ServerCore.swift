import CSkeinMicroHTTPD
import SkeinPlatform
import Synchronization

/// What runs behind an ``HTTPServer``: the daemon, the requests under way, the workers and the clock that watches them.
///
/// Threads: libmicrohttpd's polling thread calls in through `ServerCore+Callbacks`; workers take exchanges from the
/// queue; one clock thread ends what takes too long. Order of locks: `state`, an exchange's, libmicrohttpd's own;
/// libmicrohttpd holds none when it calls us.
final class ServerCore: @unchecked Sendable {
    // Sendable: what changes is in `state`, `connections` and the atomics; `daemon` is set once before any use
    // by others and given up once in `stop`, guarded by `state.phase`.

    enum Phase {
        case running
        /// No new connections; requests under way end.
        case draining
        /// Nothing is suspended any more: libmicrohttpd may be stopped.
        case closed
    }

    struct State {
        var phase = Phase.running
        /// From the request line's arrival until the answer is sent.
        var underWay: [ObjectIdentifier: ServerExchange] = [:]
        /// Ready for a worker, oldest first.
        var queue: [ServerExchange] = []
        var queueHead = 0
        var threads = 0
    }

    let configuration: HTTPServer.Configuration
    let handler: HTTPServer.Handler
    /// While the server runs only workers wait here, so that one of them is woken for each request.
    let state = Monitor(State())
    private let isClosed = Monitor(false)
    let connections = ConnectionWatch()
    let port: UInt16
    private let listening: ListeningSocket
    private var daemon: OpaquePointer?

    let requests = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    let unavailable = Atomic<Int>(0)
    let overdue = Atomic<Int>(0)

    init(_ configuration: HTTPServer.Configuration, handler: @escaping HTTPServer.Handler) throws(HTTPError) {
        let address = "\(configuration.host):\(configuration.port)"
        do {
            listening = try ListeningSocket(host: configuration.host, port: configuration.port)
        } catch {
            let reason =
                switch error {
                case .unknownHost(let text): text
                case .system(let error): error.description
                }
            throw HTTPError(.cannotListen, "cannot listen on \(address): \(reason)")
        }
        self.configuration = configuration
        self.handler = handler
        port = listening.port
        let limits = configuration.limits
        let context = Unmanaged.passRetained(self)
        daemon = skein_mhd_start(
            listening.descriptor, UInt32(clamping: max(1, limits.connections)),
            UInt32(clamping: limits.connectionsPerAddress),
            UInt32(clamping: Self.wholeSeconds(limits.idleTime)),
            max(4 << 10, limits.headerBytes), context.toOpaque(), Self.access, Self.target, Self.completed,
            Self.connection)
        guard daemon != nil else {
            context.release()
            close(listening.descriptor)
            throw HTTPError(
                .exhausted, "libmicrohttpd could not start on \(address): no descriptors or threads left")
        }
        do {
            try startThread("http-clock") { $0.watch() }
            for _ in 0..<max(1, configuration.workers) { try startThread("http-worker") { $0.work() } }
        } catch {
            stop(drain: .zero)
            throw HTTPError(.exhausted, "cannot start the threads of the server on \(address): \(error)")
        }
    }

    /// libmicrohttpd counts in seconds, and takes 0 for "never".
    private static func wholeSeconds(_ duration: Duration) -> Int64 {
        max(1, (duration.nanoseconds + 999_999_999) / 1_000_000_000)
    }

    private func startThread(
        _ name: String, _ body: @escaping @Sendable (ServerCore) -> Void
    ) throws(SystemError) {
        state.withLock { $0.threads += 1 }
        do {
            try SystemThread(name: name) {
                body(self)
                self.state.update { $0.threads -= 1 }
            }.detach()
        } catch {
            state.update { $0.threads -= 1 }
            throw error
        }
    }

    var statistics: HTTPServer.Statistics {
        var result = HTTPServer.Statistics()
        result.requests = requests.load(ordering: .relaxed)
        result.refused = refused.load(ordering: .relaxed)
        result.unavailable = unavailable.load(ordering: .relaxed)
        result.overdue = overdue.load(ordering: .relaxed)
        result.cut = connections.cut
        return result
    }

    // MARK: The threads

    /// A worker: answers exchanges until the server is closed.
    private func work() {
        while true {
            let next = state.wait(until: .max) { state -> ServerExchange?? in
                if state.queueHead < state.queue.count { return state.takeFirst() }
                return state.phase == .closed ? .some(nil) : nil
            }
            guard let next, let exchange = next else { return }
            if let request = exchange.begin() { exchange.settle(handler(request)) }
        }
    }

    /// The clock: looks four times a second for what takes too long.
    private func watch() {
        while true {
            let tick = SystemClock.monotonicNanoseconds() + 250_000_000
            if isClosed.wait(until: tick, { $0 ? () : nil }) != nil { return }
            let now = SystemClock.monotonicNanoseconds()
            for exchange in state.withLock({ Array($0.underWay.values) }) where exchange.isOverdue(at: now) {
                exchange.settle(.unavailable("the request took too long")) {
                    overdue.add(1, ordering: .relaxed)
                }
            }
            connections.cutOverdue(at: now)
        }
    }

    // MARK: The end

    func stop(drain: Duration) {
        let isFirst = state.withLock { state in
            defer { if state.phase == .running { state.phase = .draining } }
            return state.phase == .running
        }
        guard isFirst, let daemon else { return }
        MHD_quiesce_daemon(daemon)
        // Who connects from now on is refused at once instead of waiting for an answer that never comes.
        shutdown(listening.descriptor, Int32(SHUT_RDWR))
        let end = SystemClock.monotonicNanoseconds() + drain.nanoseconds
        _ = state.wait(until: end) { $0.underWay.isEmpty ? () : nil }

        // From here on nothing is suspended, so that what is settled below is all there is.
        let left = state.update { state in
            state.phase = .closed
            return Array(state.underWay.values)
        }
        isClosed.update { $0 = true }
        for exchange in left {
            exchange.settle(.unavailable("the server is stopping")) { unavailable.add(1, ordering: .relaxed) }
        }
        if !left.isEmpty {
            let grace = SystemClock.monotonicNanoseconds() + 500_000_000
            _ = state.wait(until: grace) { $0.underWay.isEmpty ? () : nil }
        }
        MHD_stop_daemon(daemon)
        self.daemon = nil
        close(listening.descriptor)
        let grace = SystemClock.monotonicNanoseconds() + 1_000_000_000
        _ = state.wait(until: grace) { $0.threads == 0 ? () : nil }
        // The reference that libmicrohttpd's callbacks used.
        Unmanaged.passUnretained(self).release()
    }
}

extension ServerCore.State {
    var queued: Int { queue.count - queueHead }

    /// The first of the queue, in constant time on average.
    mutating func takeFirst() -> ServerExchange {
        let first = queue[queueHead]
        queueHead += 1
        if queueHead == queue.count || queueHead >= 64 {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        return first
    }
}

extension HTTPResponse {
    static func unavailable(_ reason: String) -> HTTPResponse {
        var response = HTTPResponse.text(reason + "\n", status: 503)
        response.headers["Retry-After"] = "1"
        return response
    }
}
