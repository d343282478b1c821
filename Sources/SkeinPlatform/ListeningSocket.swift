internal import CSkeinPlatform

/// A TCP socket that listens: bound and ready before anybody is told its port.
///
/// It belongs to who asked for it: `close(descriptor)` when done.
public struct ListeningSocket: Sendable {
    /// Non-blocking, closed in programs that this one starts.
    public let descriptor: Int32
    /// The port it is bound to, also when 0 was asked for.
    public let port: UInt16

    /// Why there is no socket.
    public enum Failure: Error, Sendable {
        /// The host is no address and no name that the system knows; the text is the resolver's.
        case unknownHost(String)
        /// The address cannot be had: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `EMFILE`, …
        case system(SystemError)
    }

    /// Binds and listens.
    /// - Parameters:
    ///   - host: an address of this machine, IPv4 or IPv6, or a name; `*` is every IPv4 address.
    ///   - port: 0 lets the system pick a free one.
    ///   - backlog: how many connections the system keeps before they are accepted.
    public init(host: String, port: UInt16, backlog: Int32 = 128) throws(Failure) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = Self.stream
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host == "*" ? "0.0.0.0" : host, "\(port)", &hints, &list)
        guard status == 0, let first = list else {
            throw .unknownHost(gai_strerror(status).map { String(cString: $0) } ?? "no address")
        }
        defer { freeaddrinfo(first) }

        let address = first.pointee
        let made = socket(address.ai_family, Self.stream, 0)
        guard made >= 0 else { throw .system(.current) }
        // A port in TIME_WAIT from our last run is free; one with a listener is not.
        var on: Int32 = 1
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard skein_fcntl(made, F_SETFD, FD_CLOEXEC) == 0,
            skein_fcntl(made, F_SETFL, O_NONBLOCK) == 0,
            bind(made, address.ai_addr, address.ai_addrlen) == 0, listen(made, backlog) == 0
        else {
            let error = SystemError.current
            close(made)
            throw .system(error)
        }
        descriptor = made
        self.port = Self.boundPort(of: made)
    }

    private static var stream: Int32 {
        #if canImport(Glibc)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    private static func boundPort(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes in
            guard let start = bytes.baseAddress,
                getsockname(descriptor, start.assumingMemoryBound(to: sockaddr.self), &size) == 0
            else { return 0 }
            // sin_port and sin6_port lie at the same place, behind two bytes of family.
            return UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
