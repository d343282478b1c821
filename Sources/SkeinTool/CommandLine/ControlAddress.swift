/// Where a daemon's control port is: `host`, `host:3513`, `[::1]:3513`, with or without `tcp://` in front.
struct ControlAddress: Equatable, CustomStringConvertible {
    static let defaultPort: UInt16 = 3513
    static let local = ControlAddress(host: "127.0.0.1", port: defaultPort)

    /// Without brackets.
    let host: String
    let port: UInt16

    private init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    init(_ text: String) throws(ToolFailure) {
        let mistake = ToolFailure.usage(
            "option -H: no address of a daemon: \(SafeText.of(text)) (write host:3513, [::1]:3513 or host)")
        var rest = Substring(text)
        if rest.hasPrefix("tcp://") { rest = rest.dropFirst(6) }
        var host = rest
        var port = Substring("")
        if rest.hasPrefix("["), let bracket = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<bracket]
            let behind = rest[rest.index(after: bracket)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { throw mistake }
            port = behind.dropFirst()
            if !behind.isEmpty, port.isEmpty { throw mistake }
        } else if let colon = rest.lastIndex(of: ":") {
            host = rest[..<colon]
            port = rest[rest.index(after: colon)...]
            if port.isEmpty || host.contains(":") { throw mistake }
        }
        let isName = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x3A, 0x5F, 0x25].contains(byte)
        }
        guard host == "*" || isName, !(host.isEmpty && port.isEmpty) else { throw mistake }
        // What a daemon binds to is understood as where it can be reached from here.
        self.host = host.isEmpty || host == "*" || host == "0.0.0.0" ? "127.0.0.1" : String(host)
        if port.isEmpty {
            self.port = Self.defaultPort
        } else {
            guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port), number > 0
            else { throw mistake }
            self.port = number
        }
    }

    var isIPv6: Bool { host.contains(":") }

    /// libzmq's spelling of a port on the same host.
    func endpoint(port: UInt16) -> String {
        isIPv6 ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
    }

    var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
