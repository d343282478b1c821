/// A request as a server's handler gets it: complete, within the limits, decoded.
public struct HTTPRequest: Sendable {
    /// As it came: methods are case-sensitive.
    public let method: String
    /// What was asked for as it came, percent-encoded, the query included.
    public let target: String
    /// The path's segments, each decoded by itself, so that an encoded `/` is part of a segment: `/package/a%2Fb` is
    /// `["package", "a/b"]`. Empty segments (of `//` and a final `/`) are left out; `.` and `..` mean nothing here.
    public let segments: [String]
    /// What stands behind the `?`, decoded.
    public let query: HTTPQuery
    /// The header fields as they came, in order.
    public let headers: HTTPHeaders
    /// The whole body, without any transfer coding; empty if there was none.
    public let body: [UInt8]
    /// The peer's address as text, `127.0.0.1`.
    public let remoteAddress: String

    /// The segments joined, for people to read: `/package/libc6`.
    public var path: String { "/" + segments.joined(separator: "/") }

    /// Why a request is answered with 400 before a handler sees it.
    enum Malformed: Error {
        case target
        case query
    }

    init(
        method: String, target: String, headers: HTTPHeaders, body: [UInt8], remoteAddress: String
    ) throws(Malformed) {
        var rest = target.utf8[...]
        let (slash, mark) = (UInt8(ascii: "/"), UInt8(ascii: "?"))
        // A proxy's form, `GET http://host/path`: RFC 9112 wants every server to understand it.
        for scheme in ["http://", "https://"] where rest.starts(with: scheme.utf8) {
            rest = rest.dropFirst(scheme.utf8.count).drop { $0 != slash && $0 != mark }
        }
        let allowed = rest.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") }
        guard allowed, rest.isEmpty || rest.first == slash || rest.first == mark || target == "*" else {
            throw .target
        }
        let end = rest.firstIndex(of: mark) ?? rest.endIndex
        var segments: [String] = []
        for piece in rest[..<end].split(separator: slash) {
            guard let segment = PercentCoding.decode(piece) else { throw .target }
            segments.append(segment)
        }
        guard let query = end == rest.endIndex ? HTTPQuery() : HTTPQuery(rest[end...].dropFirst()) else {
            throw .query
        }
        self.method = method
        self.target = target
        self.segments = segments
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }

    private init(_ head: HTTPRequest, body: [UInt8]) {
        method = head.method
        target = head.target
        segments = head.segments
        query = head.query
        headers = head.headers
        remoteAddress = head.remoteAddress
        self.body = body
    }

    /// The same request, complete.
    func with(body: [UInt8]) -> HTTPRequest { HTTPRequest(self, body: body) }
}
