/// An HTTP/1.1 server: libmicrohttpd on one polling thread, the handlers on threads of their own.
///
/// A handler may block (for a database, for another service): it occupies one of the `workers`, while the polling
/// thread goes on reading and writing. Requests wait for a worker in a bounded queue; when that is full they are
/// answered 503 at once. Every step of a request has its limit of time and of bytes (``Limits``), so that a peer
/// that sends slowly, reads slowly or not at all costs one connection for a bounded time.
///
/// ```swift
/// let server = try HTTPServer(.init(port: 0)) { request in
///     request.segments == ["hello"] ? .text("hello \(request.query["name"] ?? "you")") : .text("?", status: 404)
/// }
/// print("listening on", server.url)
/// server.stop()
/// ```
///
/// Answered without the handler: 400 (a malformed target, query or framing), 413 (body too large), 414 and 431
/// (target, headers too large), 501 (a transfer coding but chunked), 503 (queue full, handler too slow, stopping).
/// HEAD requests reach the handler; the body of its answer is not sent.
public final class HTTPServer: Sendable {
    /// Bounds of what peers can cost. All are checked when a server starts.
    public struct Limits: Sendable {
        /// Request line and headers of one request; also what a connection costs while idle.
        public var headerBytes = 32 << 10
        /// Bytes of one request's body; a larger one is answered 413.
        public var bodyBytes = 1 << 20
        /// Open connections; further ones wait in the system's backlog.
        public var connections = 256
        /// Open connections from one address; 0: no limit of its own.
        public var connectionsPerAddress = 0
        /// Requests that wait for a worker.
        public var queuedRequests = 256
        /// How long a connection may be silent. Whole seconds, rounded up.
        public var idleTime: Duration = .seconds(30)
        /// How long the arrival of a request's headers, and then of its body, may take.
        public var receiveTime: Duration = .seconds(30)
        /// How long a request may wait for a worker and be worked on.
        public var handleTime: Duration = .seconds(30)
        /// How long a peer may take to read an answer.
        public var sendTime: Duration = .seconds(60)

        /// The defaults.
        public init() {}
    }

    /// Where to listen, with how many threads, within which limits.
    public struct Configuration: Sendable {
        /// An address of this machine; `*` or `0.0.0.0` for all.
        public var host: String
        /// 0: the system picks a free one; ``HTTPServer/port`` tells which.
        public var port: UInt16
        /// Threads that run handlers.
        public var workers: Int
        /// What peers can cost at most.
        public var limits: Limits

        /// Without arguments a free port on loopback, 4 workers and the default limits.
        public init(host: String = "127.0.0.1", port: UInt16 = 0, workers: Int = 4, limits: Limits = Limits())
        {
            self.host = host
            self.port = port
            self.workers = workers
            self.limits = limits
        }
    }

    /// Counts since the start.
    public struct Statistics: Sendable, Hashable {
        /// Requests whose headers arrived and were understood.
        public var requests = 0
        /// Answered 400, 413 or 501 without the handler (what libmicrohttpd refuses by itself is not counted).
        public var refused = 0
        /// Answered 503: the queue was full or the server stopping.
        public var unavailable = 0
        /// Answered 503: the handler took longer than `handleTime`.
        public var overdue = 0
        /// Connections cut because receiving or sending took too long.
        public var cut = 0
    }

    /// Makes the answer. Called on a worker's thread, by several at once.
    public typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

    private let core: ServerCore
    private let host: String

    /// Starts to listen; requests may arrive before this returns.
    /// - Throws: ``HTTPError`` (`cannotListen` with the address and the system's reason, `exhausted`).
    public init(_ configuration: Configuration = Configuration(), handler: @escaping Handler)
        throws(HTTPError)
    {
        host = configuration.host
        core = try ServerCore(configuration, handler: handler)
    }

    deinit {
        core.stop(drain: .zero)
    }

    /// The port it listens on.
    public var port: UInt16 { core.port }

    /// `http://127.0.0.1:41234`; for a server on all addresses, with the loopback address.
    public var url: String {
        switch host {
        case "*", "0.0.0.0": "http://127.0.0.1:\(port)"
        case "::": "http://[::1]:\(port)"
        case let host: host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
        }
    }

    /// The counts so far. Any thread.
    public var statistics: Statistics { core.statistics }

    /// Stops accepting, lets the requests that have begun end, and closes. Blocks; a second call does nothing.
    ///
    /// - Parameter drain: how long requests may take to end. Those left are answered 503; a handler that never
    ///   returns keeps its thread, and nothing else waits for it. It all takes at most `drain` and 2 seconds.
    public func stop(drain: Duration = .seconds(5)) {
        core.stop(drain: drain)
    }
}

extension Duration {
    /// Nanoseconds, clamped to 0 … one century.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 3_155_760_000 else { return 3_155_760_000_000_000_000 }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
