/// Where records go, and how.
///
/// | written | means |
/// |---|---|
/// | `deliver://host:3515` | a collector's deliver port: acknowledged |
/// | `push://host:3514` | a collect port, also of a Ziggy daemon: fire and forget |
/// | `host:port`, `tcp://host:port` | finds out which of the two it is |
/// | `file:///path/events.bson` | BSON documents appended to a file |
///
/// `host` is a name, an IPv4 address, or an IPv6 address in brackets. Without a port it is 3515, for `push` 3514.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// How records travel.
    public enum Transport: String, Hashable, Sendable {
        /// To be found out.
        case find
        /// Acknowledged.
        case deliver
        /// One document a message, to a PULL socket.
        case push
        /// Appended to a file.
        case file
    }

    /// How records travel there.
    public let transport: Transport
    /// Name or address; empty for a file.
    public let host: String
    /// 1 … 65,535; 0 for a file.
    public let port: Int
    /// Of a file; else empty.
    public let path: String

    /// The accepted forms, for messages.
    public static let acceptedForms =
        "HOST:PORT, tcp://HOST:PORT, deliver://HOST:PORT, push://HOST:PORT or file:///PATH, "
        + "for instance tcp://127.0.0.1:3515"

    /// Reads an endpoint as a person writes it.
    /// - Throws: ``ShippingError`` of code `endpoint`, which names what is wrong and the accepted forms.
    public init(_ text: String) throws(ShippingError) {
        func bad(_ what: String) -> ShippingError {
            ShippingError(.endpoint, "the endpoint \"\(text)\" \(what); write \(Self.acceptedForms)")
        }
        guard !text.isEmpty else { throw bad("is empty") }
        let (scheme, rest) = Self.split(text)
        switch scheme {
        case "file":
            guard rest.first == "/", rest.utf8.count > 1, !rest.utf8.contains(0) else {
                throw bad("names no file by its whole path")
            }
            transport = .file
            host = ""
            port = 0
            path = rest
            return
        case nil, "tcp": transport = .find
        case "deliver": transport = .deliver
        case "push": transport = .push
        default: throw bad("begins with an unknown scheme, \"\(scheme ?? "")\"")
        }
        path = ""
        let portText: Substring?
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { throw bad("has no end of its IPv6 address") }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfIPv6) else {
                throw bad("has no usable IPv6 address")
            }
            let behind = rest[rest.index(after: end)...]
            guard behind.isEmpty || behind.first == ":" else { throw bad("has something behind its address") }
            portText = behind.isEmpty ? nil : behind.dropFirst()
        } else {
            let colon = rest.lastIndex(of: ":")
            host = String(rest[..<(colon ?? rest.endIndex)])
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(Self.isOfName) else {
                throw bad("has no usable host")
            }
            portText = colon.map { rest[rest.index(after: $0)...] }
        }
        if let portText {
            guard portText.utf8.count <= 5, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(portText), (1...65_535).contains(number)
            else { throw bad("has no port from 1 to 65535") }
            port = number
        } else {
            port = transport == .push ? 3514 : 3515
        }
    }

    /// What libzmq calls it.
    var address: String { "tcp://\(hostText):\(port)" }

    /// The same place, reached in another way.
    func with(_ scheme: String, port: Int? = nil) -> String { "\(scheme)://\(hostText):\(port ?? self.port)" }

    var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    private var hostText: String { isIPv6 ? "[\(host)]" : host }

    /// The endpoint with its scheme and port.
    public var description: String {
        switch transport {
        case .find: address
        case .deliver, .push: "\(transport.rawValue)://\(hostText):\(port)"
        case .file: "file://\(path)"
        }
    }

    /// The scheme, nil if there is none, and what follows.
    private static func split(_ text: String) -> (scheme: String?, rest: String) {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix("://") {
                return (String(text[..<index]).lowercased(), String(text[text.index(index, offsetBy: 3)...]))
            }
            index = text.index(after: index)
        }
        return (nil, text)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        isDigitOrLetter(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }

    private static func isOfIPv6(_ byte: UInt8) -> Bool {
        isDigitOrLetter(byte) || byte == 0x3A || byte == 0x2E || byte == 0x25
    }

    private static func isDigitOrLetter(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
