import SkeinPlatform

/// What listens at a port and is no collector, or a bad one. It is gone when nobody holds it any more.
final class BadPeer: Sendable {
    /// What it does with each connection.
    enum Manner: Sendable {
        /// Accepts, and neither reads nor writes.
        case silent
        /// Greets as ZeroMQ does (ZMTP 3.1), and then nothing.
        case greeting
        /// Sends random bytes, as fast as they are taken.
        case nonsense
        /// Hangs up at once.
        case hangingUp
        /// Passes everything on to this port, and back; what comes from the client at so many bytes a second.
        case slow(port: UInt16, bytesPerSecond: Int)
    }

    let port: UInt16
    private let listening: Int32
    private let connections: Monitor<[Int32]?>
    private let threads = Monitor<[SystemThread]>([])

    init(_ manner: Manner) throws {
        let socket = try ListeningSocket(host: "127.0.0.1", port: 0)
        port = socket.port
        listening = socket.descriptor
        let connections = Monitor<[Int32]?>([])
        self.connections = connections
        let (listening, threads) = (listening, threads)
        let accepting = try SystemThread(name: "bad-peer") {
            while true {
                var item = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
                guard poll(&item, 1, 50) >= 0 || errno == EINTR else { return }
                let isWanted = connections.withLock { $0 != nil }
                guard isWanted else { return }
                let connection = accept(listening, nil, nil)
                guard connection >= 0, Self.keep(connection, connections) else { continue }
                let thread = try? SystemThread(name: "bad-peer") {
                    Self.serve(connection, manner, connections)
                }
                if let thread { threads.withLock { $0.append(thread) } }
            }
        }
        threads.withLock { $0.append(accepting) }
    }

    deinit {
        // Whoever waits for a connection sees its end.
        connections.withLock { open in
            for connection in open ?? [] { shutdown(connection, Int32(SHUT_RDWR)) }
            open = nil
        }
        for thread in threads.withLock({ $0 }) { thread.join() }
        close(listening)
    }

    /// - Returns: false if everything is over; then it is closed.
    private static func keep(_ connection: Int32, _ connections: Monitor<[Int32]?>) -> Bool {
        let isKept = connections.withLock { open in
            open?.append(connection)
            return open != nil
        }
        if !isKept { close(connection) }
        return isKept
    }

    private static func serve(_ connection: Int32, _ manner: Manner, _ connections: Monitor<[Int32]?>) {
        defer {
            connections.withLock { open in open?.removeAll { $0 == connection } }
            close(connection)
        }
        switch manner {
        case .hangingUp: break
        case .silent: waitForEnd(of: connection)
        case .greeting:
            let signature: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1]
            let mechanism = Array("NULL".utf8) + [UInt8](repeating: 0, count: 16)
            _ = write(signature + mechanism + [UInt8](repeating: 0, count: 32), to: connection)
            waitForEnd(of: connection)
        case .nonsense:
            var random = FastRandom()
            while write(
                (0..<1024).map { _ in UInt8.random(in: .min ... .max, using: &random) }, to: connection)
            {}
        case .slow(let port, let bytesPerSecond):
            let other = connect(to: port)
            guard other >= 0, keep(other, connections) else { return }
            let back = try? SystemThread(name: "bad-peer-back") {
                pump(from: other, to: connection, bytesPerSecond: nil)
            }
            pump(from: connection, to: other, bytesPerSecond: bytesPerSecond)
            shutdown(other, Int32(SHUT_RDWR))
            shutdown(connection, Int32(SHUT_RDWR))
            back?.join()
            connections.withLock { open in open?.removeAll { $0 == other } }
            close(other)
        }
    }

    /// Until the other end, or this object's, closes it. Nothing is read.
    private static func waitForEnd(of connection: Int32) {
        var item = pollfd(fd: connection, events: 0, revents: 0)
        while poll(&item, 1, 1_000) == 0 || errno == EINTR, item.revents == 0 {}
    }

    private static func pump(from: Int32, to: Int32, bytesPerSecond: Int?) {
        var buffer = [UInt8](repeating: 0, count: bytesPerSecond.map { max(1, $0 / 20) } ?? 65_536)
        while true {
            let count = recv(from, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0, write(Array(buffer[..<count]), to: to) else { return }
            if bytesPerSecond != nil { usleep(50_000) }
        }
    }

    private static func write(_ bytes: [UInt8], to connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, noSignal)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// A peer that hung up is an error code, not a SIGPIPE.
    private static var noSignal: Int32 {
        #if canImport(Darwin)
            0
        #else
            Int32(MSG_NOSIGNAL)
        #endif
    }

    private static func connect(to port: UInt16) -> Int32 {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SkeinPlatform.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            return -1
        }
        return descriptor
    }
}
