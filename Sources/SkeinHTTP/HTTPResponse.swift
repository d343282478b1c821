/// An answer: what a server's handler returns, and what a client gets.
public struct HTTPResponse: Sendable, Hashable {
    /// 200 to 599.
    public var status: Int
    /// The header fields, in order.
    public var headers: HTTPHeaders
    /// The whole body, without any transfer coding.
    public var body: [UInt8]

    /// An answer by its parts; without arguments an empty 200.
    public init(status: Int = 200, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Plain text.
    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(text.utf8))
    }

    /// JSON that is already text.
    public static func json(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: Array(text.utf8))
    }

    /// The body as text; bytes that are not UTF-8 are repaired.
    public var text: String { String(decoding: body, as: UTF8.self) }
}
