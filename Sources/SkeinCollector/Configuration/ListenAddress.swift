/// Where a port listens: a host and a port number.
///
/// Written `127.0.0.1:3514`, `[::1]:3514`, `localhost:3514`, `eth0:3514` (an interface), and `*:3514` or
/// `0.0.0.0:3514` for every interface; `tcp://` in front is taken. Port 0 means any free port.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// The host as it was written, without brackets.
    public var host: String
    /// The port, 0 for any free one.
    public var port: UInt16

    /// An address by its parts; whether it can be listened on shows when the collector starts.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// A port on 127.0.0.1, by default any free one.
    public static func loopback(_ port: UInt16 = 0) -> ListenAddress {
        ListenAddress(host: "127.0.0.1", port: port)
    }

    /// The forms a reader may write, for messages.
    static let acceptedForm = "HOST:PORT, for instance 127.0.0.1:3514, *:3514 or [::1]:3514"

    /// Reads an address.
    /// - Throws: ``BadValue`` that says what is missing.
    init(_ text: String) throws(BadValue) {
        var rest = Substring(text)
        if rest.hasPrefix("tcp://") { rest = rest.dropFirst(6) }
        guard let colon = rest.lastIndex(of: ":") else {
            throw BadValue("\"\(text)\" has no port", accepts: Self.acceptedForm)
        }
        var host = rest[..<colon]
        let portText = rest[rest.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw BadValue("\"\(text)\": an IPv6 host stands in brackets", accepts: Self.acceptedForm)
        }
        let isHost = host.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"),
                UInt8(ascii: "%"):
                true
            default: host == "*"
            }
        }
        guard !host.isEmpty, isHost else {
            throw BadValue("\"\(text)\" has no host", accepts: Self.acceptedForm)
        }
        guard !portText.isEmpty, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(portText)
        else {
            throw BadValue("\"\(text)\" has no port from 0 to 65535", accepts: Self.acceptedForm)
        }
        self.init(host: String(host), port: port)
    }

    /// Whether only programs of this machine can reach it.
    public var isLoopback: Bool {
        switch host {
        case "localhost", "::1", "lo", "0:0:0:0:0:0:0:1": return true
        default:
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }

    /// The address as libzmq binds it.
    var endpoint: String {
        switch host {
        case "localhost": "tcp://127.0.0.1:\(port)"
        case "0.0.0.0": "tcp://*:\(port)"
        default: "tcp://\(self)"
        }
    }

    /// `host:port`.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
