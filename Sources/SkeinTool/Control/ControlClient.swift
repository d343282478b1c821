import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ

/// Asks a daemon at its control port: one BSON request, one BSON answer. Confined to one thread.
struct ControlClient {
    let address: ControlAddress
    private let curve: CurveOptions
    private let context: ZMQContext
    private let console: Console

    init(_ address: ControlAddress, _ curve: CurveOptions, context: ZMQContext, console: Console) {
        self.address = address
        self.curve = curve
        self.context = context
        self.console = console
    }

    /// Sends a command and waits for its answer.
    ///
    /// A socket for each question: one whose answer never came would be stuck.
    /// - Parameters:
    ///   - name: what the command is about, for those that need it.
    ///   - idle: called five times a second while it waits.
    /// - Throws: ``ToolFailure/failed(_:)`` if there is no answer in time, nobody listens, or the answer is none.
    func ask(
        _ command: String, name: String? = nil, timeout: Duration,
        idle: () throws(ToolFailure) -> Void = {}
    ) throws(ToolFailure) -> BSONDocument {
        let result: Result<BSONDocument, ToolFailure>
        do throws(ZMQError) {
            let socket = try ZMQSocket(.req, in: context)
            try socket.set([.ipv6(address.isIPv6), .maximumMessageBytes(16 << 20)] + curve.socketOptions)
            let monitor = try socket.monitor([.connections, .handshakes])
            try socket.connect(address.endpoint(port: address.port))
            var request = BSONDocument([("cmd", .string(command))])
            if let name { request.append("name", .string(name)) }
            _ = try socket.send(request.bytes, wait: false)
            result = try wait(socket, monitor, timeout, idle)
        } catch {
            throw .failed("cannot ask \(address): \(error)")
        }
        return try result.get()
    }

    /// The port of the live stream.
    func streamPort(timeout: Duration, idle: () throws(ToolFailure) -> Void) throws(ToolFailure) -> UInt16 {
        let answer = try ask("SOCK_STREAM", timeout: timeout, idle: idle)
        if let port = answer["port"]?.intValue.flatMap({ UInt16(exactly: $0) }), port > 0 { return port }
        let reason = answer["error"]?.stringValue.map { ": " + SafeText.of($0) } ?? ""
        throw .failed("the daemon at \(address) has no live stream\(reason)")
    }

    private func wait(
        _ socket: borrowing ZMQSocket, _ monitor: borrowing ZMQMonitor, _ timeout: Duration,
        _ idle: () throws(ToolFailure) -> Void
    ) throws(ZMQError) -> Result<BSONDocument, ToolFailure> {
        var poller = ZMQPoller()
        let answer = poller.add(socket, for: .readable)
        _ = poller.add(monitor)
        var watch = ZMQConnectionWatch()
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline, !console.isInterrupted() {
            try poller.wait(for: min(.milliseconds(200), deadline - ContinuousClock.now))
            if poller.isReady(answer), let frames = try socket.receiveMultipart(maximumFrames: 1) {
                return read(frames)
            }
            while let event = try monitor.next() {
                if let outcome = watch.take(event.kind), let failure = failure(outcome) {
                    return .failure(failure)
                }
            }
            do throws(ToolFailure) { try idle() } catch { return .failure(error) }
        }
        return .failure(
            .failed(
                "no answer from \(address) within \(Quantity.duration(timeout / .seconds(1)))"
                    + " (is a skeind running there? its control port is named by -H host:3513)"))
    }

    private func read(_ frames: ZMQFrames) -> Result<BSONDocument, ToolFailure> {
        do throws(BSONError) {
            guard frames.excess == 0 else {
                return .failure(
                    .failed("the answer of \(address) is no BSON document: it has several frames"))
            }
            return .success(try BSONDocument(validating: frames.frames[0]))
        } catch {
            return .failure(.failed("the answer of \(address) is no BSON document: \(error)"))
        }
    }

    private func failure(_ outcome: ZMQConnectionWatch.Outcome) -> ToolFailure? {
        switch outcome {
        case .ready: nil
        case .unreachable:
            .failed(
                "nobody listens at \(address): start skeind there, or name its control port by -H host:3513")
        case .wrongKind:
            .failed(
                "\(address) is another port of a collector, or of another program: the control port is wanted"
                    + " (3513 unless changed; 3514 collects, 3515 takes deliveries)")
        case .refused(let reason):
            .failed(
                "\(address) refuses the connection: \(reason) (does it ask for keys? --curve-key, --curve-server)"
            )
        case .handshakeFailed:
            .failed("\(address) does not speak ZeroMQ, or asks for keys; the control port is wanted (3513)")
        case .disconnected: .failed("\(address) closed the connection without an answer")
        }
    }
}
