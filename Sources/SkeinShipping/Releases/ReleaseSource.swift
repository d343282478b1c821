/// Where a process hears that other services let go what they held: a collector's control port, which tells the port of its live
/// stream, or that stream itself.
public struct ReleaseSource: Hashable, Sendable, CustomStringConvertible {
    /// The control port, or the stream's.
    public let endpoint: Endpoint
    /// Whether it is the stream itself.
    public let isStream: Bool

    /// Reads `tcp://host:3513`, `host:3513` (control) or `stream://host:port`.
    /// - Throws: ``ShippingError`` of code `endpoint`.
    public init(_ text: String) throws(ShippingError) {
        let scheme = "stream://"
        isStream = text.hasPrefix(scheme)
        let rest = isStream ? String(text.dropFirst(scheme.count)) : text
        let endpoint = try Endpoint(rest)
        let namesPort = rest.hasSuffix(":\(endpoint.port)")
        guard endpoint.transport == .find, namesPort || !isStream else {
            throw ShippingError(
                .endpoint,
                "the release endpoint \"\(text)\" is none; write tcp://HOST:PORT of a control port, or stream://HOST:PORT of a "
                    + "live stream")
        }
        self.endpoint = namesPort ? endpoint : try Endpoint(endpoint.with("tcp", port: 3513))
    }

    /// The control port of the collector that an endpoint leads to; nil if that is a file.
    public init?(beside endpoint: Endpoint) {
        guard endpoint.transport != .file, let control = try? Endpoint(endpoint.with("tcp", port: 3513))
        else {
            return nil
        }
        self.endpoint = control
        isStream = false
    }

    /// As it is written.
    public var description: String { isStream ? endpoint.with("stream") : endpoint.description }
}
