import CSkeinCURL
import SkeinPlatform
import Synchronization

/// An HTTP client: libcurl, with connections that are kept and used again.
///
/// Any number of threads may send at once; each call blocks its thread until the answer is complete, so it stays
/// off the cooperative pool. Redirects are answers, not followed; proxies in the environment are not used; only
/// `http:` and `https:` addresses are taken.
///
/// ```swift
/// let client = HTTPClient()
/// let answer = try client.send(url: "http://127.0.0.1:8080/search?q=" + PercentCoding.encode("tls 1.3"))
/// print(answer.status, answer.text)
/// ```
public final class HTTPClient: Sendable {
    /// The limits of time and size, and how the client names itself.
    public struct Configuration: Sendable {
        /// How long connecting may take.
        public var connectTime: Duration = .seconds(2)
        /// How long a whole request may take, connecting included.
        public var time: Duration = .seconds(10)
        /// The largest body that is taken.
        public var maximumBodyBytes = 16 << 20
        /// The largest answer's headers that are taken.
        public var maximumHeaderBytes = 64 << 10
        /// Handles, each with its open connections, that are kept while nobody sends.
        public var idleHandles = 8
        /// The `User-Agent` of requests that bring none.
        public var userAgent = "skein"

        /// The defaults.
        public init() {}
    }

    private let configuration: Configuration
    private let idle = Mutex<[CURLHandle]>([])

    /// A client without connections; each is made when it is needed.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Sends one request and waits for the whole answer.
    /// - Parameters:
    ///   - url: percent-encoded; ``PercentCoding/encode(_:)`` for its parts.
    ///   - body: nil for none; an empty one is sent as such.
    ///   - time: for this request instead of the configuration's.
    /// - Throws: ``HTTPError`` if there is no answer. A status of 400 or more is an answer.
    public func send(
        _ method: String = "GET", url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil,
        time: Duration? = nil
    ) throws(HTTPError) -> HTTPResponse {
        guard HTTPHeaders.isToken(method) else {
            throw HTTPError(
                .badRequest, "cannot send a request to \(Self.shown(url)): its method is no token")
        }
        if let name = headers.firstForbidden {
            throw HTTPError(
                .badRequest,
                "cannot send \(method) \(Self.shown(url)): the header `\(name)` has forbidden characters")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw HTTPError(
                .badRequest,
                "cannot send \(method) \(Self.shown(url)): the address has blanks or control characters")
        }
        guard url.lowercased().hasPrefix("http://") || url.lowercased().hasPrefix("https://") else {
            throw HTTPError(
                .badRequest, "cannot send \(method) \(Self.shown(url)): only http:// and https:// are taken")
        }
        let kept = idle.withLock { $0.popLast() }
        let handle = if let kept { kept } else { try CURLHandle() }
        defer { giveBack(handle) }
        return try handle.perform(
            CURLHandle.Job(
                method: method, url: url, headers: headers, body: body, time: time ?? configuration.time,
                configuration: configuration))
    }

    /// Closes the connections that are open and not in use.
    public func closeIdleConnections() {
        idle.withLock { $0.removeAll() }
    }

    private func giveBack(_ handle: CURLHandle) {
        idle.withLock { if $0.count < configuration.idleHandles { $0.append(handle) } }
    }

    /// An address without what may be a secret: its query and its user.
    static func shown(_ url: String) -> String {
        let end = url.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? url.endIndex
        let plain = String(url[..<end]).unicodeScalars.filter { $0.value > 0x20 && $0.value != 0x7F }
        var text = ""
        text.unicodeScalars.append(contentsOf: plain)
        guard let scheme = text.firstRange(of: "://") else { return text }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let user = authority.lastIndex(of: "@") else { return text }
        return String(text[..<scheme.upperBound] + rest[authority.index(after: user)...])
    }
}
