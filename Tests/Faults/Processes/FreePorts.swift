import SkeinPlatform

/// Ports for programs that come and go: below those that the system hands out, so that nobody is given one while its
/// program is away (nor connects to itself, which TCP does when a free port is tried from that very port).
struct FreePorts {
    private var random: FastRandom
    private var taken: Set<UInt16> = []

    init(seed: UInt64) {
        random = FastRandom(seed: seed ^ UInt64(getpid()))
    }

    mutating func next() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: 11_000..<31_000, using: &random)
            guard !taken.contains(port), let socket = try? ListeningSocket(host: "127.0.0.1", port: port)
            else { continue }
            close(socket.descriptor)
            taken.insert(port)
            return port
        }
        throw FaultsError("no free port from 11000 to 31000")
    }
}
