import SkeinPlatform
import SkeinZeroMQ

/// The keys for a daemon that asks for them (CURVE): ours, and the one by which we know it.
struct CurveOptions {
    private let keys: CurveKeyPair?
    private let server: CurveKey?

    static let ownKey = CommandLineOptions.Option("curve-key")
    static let serverKey = CommandLineOptions.Option("curve-server")
    static let none = CurveOptions()

    private init() {
        keys = nil
        server = nil
    }

    /// Reads `--curve-key FILE` and `--curve-server KEY`, where KEY may be a file, too.
    init(_ options: CommandLineOptions) throws(ToolFailure) {
        switch (options.value(Self.ownKey), options.value(Self.serverKey)) {
        case (nil, nil): self = .none
        case (let own?, let server?):
            guard let secret = Self.key(inFile: own) else {
                throw .usage(
                    "option --curve-key: \(SafeText.of(own)) holds no key: a line of 40 characters of Z85, as skein keygen writes it"
                )
            }
            guard let known = CurveKey(z85: server) ?? Self.key(inFile: server) else {
                throw .usage(
                    "option --curve-server: \(SafeText.of(server)) is neither a key (40 characters of Z85) nor a file with one"
                )
            }
            do throws(ZMQError) {
                keys = try CurveKeyPair(secretKey: secret)
            } catch {
                throw .failed("\(error)")
            }
            self.server = known
        case (nil, _): throw .usage("option --curve-server needs --curve-key FILE, our own secret key")
        case (_, nil): throw .usage("option --curve-key needs --curve-server KEY, the daemon's public key")
        }
    }

    /// What to set on a socket before it connects.
    var socketOptions: [ZMQOption] {
        guard let keys, let server else { return [] }
        return ZMQOption.curveClient(keys, server: server)
    }

    private static func key(inFile path: String) -> CurveKey? {
        guard let text = SmallFile.read(path) else { return nil }
        return CurveKey(z85: String(text.prefix { $0 != "\n" && $0 != "\r" && $0 != " " }))
    }
}
