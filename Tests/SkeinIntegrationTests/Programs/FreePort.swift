import SkeinPlatform

/// A port of the loopback that nobody listens on at the moment.
enum FreePort {
    static func find() throws -> Int {
        let listening = try ListeningSocket(host: "127.0.0.1", port: 0)
        defer { close(listening.descriptor) }
        return Int(listening.port)
    }
}
