import SkeinArchive
import SkeinBSON
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ

/// The live stream of a daemon. Goes on until the user ends it: when the stream falls silent the daemon is asked again, and
/// when it has moved, or come back, it is followed.
///
/// An idle stream is silent, too, so silence alone ends nothing.
struct LiveEvents {
    let address: ControlAddress
    var curve = CurveOptions.none
    let types: TypeSelection
    let console: Console
    let pipeline: EventPipeline

    /// How long a stream may be silent before the daemon is asked whether it is still there.
    var silence: Duration = .seconds(5)
    var answerTimeout: Duration = .seconds(5)

    /// Throws when no daemon answers at first; afterwards it waits for one to come back.
    func run() throws(ToolFailure) {
        do {
            let context = try ZMQContext()
            defer { context.shutdown() }
            let client = ControlClient(address, curve, context: context, console: console)
            var port = try client.streamPort(timeout: answerTimeout, idle: pipeline.idle)
            if console.errorsAreTerminal {
                console.complain("skein: live from \(address), stream on port \(port); Ctrl-C ends")
            }
            while !console.isInterrupted() {
                port = try listen(context, port, client)
            }
        } catch let failure as ToolFailure {
            throw failure
        } catch {
            throw .failed("the stream of \(address): \(error)")
        }
    }

    /// Listens at one port.
    /// - Returns: the port to listen at next, once the daemon has named another one or the user has ended it.
    private func listen(_ context: ZMQContext, _ port: UInt16, _ client: ControlClient) throws -> UInt16 {
        let socket = try ZMQSocket(.sub, in: context)
        try socket.set(
            [
                .ipv6(address.isIPv6), .receiveHighWaterMark(100_000), .maximumMessageBytes(64 << 20),
                .reconnectInterval(.milliseconds(100)), .reconnectIntervalMaximum(.seconds(2)),
            ] + curve.socketOptions)
        // The filter of the socket is by prefix; what it lets through too much, the pipeline leaves out.
        for prefix in Set(types.isEverything ? [[]] : types.patterns.map(\.prefix)) {
            try socket.set(.subscribe(prefix))
        }
        try socket.connect(address.endpoint(port: port))
        var poller = ZMQPoller()
        let incoming = poller.add(socket, for: .readable)
        var lastSign = ContinuousClock.now
        var isAway = false
        while !console.isInterrupted() {
            try poller.wait(for: .milliseconds(200))
            if poller.isReady(incoming) {
                try take(from: socket)
                lastSign = ContinuousClock.now
            }
            try pipeline.idle()
            guard ContinuousClock.now - lastSign >= (isAway ? .seconds(1) : silence) else { continue }
            do throws(ToolFailure) {
                let named = try client.streamPort(
                    timeout: min(answerTimeout, .seconds(2)), idle: pipeline.idle)
                if isAway { console.complain("skein: the daemon at \(address) is back") }
                isAway = false
                if named != port { return named }
            } catch {
                guard case .failed(let reason) = error else { throw error }
                if !isAway, !console.isInterrupted() {
                    console.complain("skein: \(reason); waiting for it to come back")
                }
                isAway = true
            }
            lastSign = ContinuousClock.now
        }
        return port
    }

    /// Takes what is there, but not without end, so that a busy stream does not keep everything else waiting.
    private func take(from socket: borrowing ZMQSocket) throws {
        for _ in 0..<1000 {
            guard let type = try socket.receive() else { return }
            guard type.hasMore, let document = try socket.receive() else { continue }
            if document.hasMore { try socket.discardRest() }
            try document.withBytes { bytes throws(ToolFailure) in
                guard let event = Event(bytes) else {
                    console.complain(
                        "skein: a malformed event of \(bytes.count) bytes on the stream, skipped")
                    return
                }
                if let view = event.view, !pipeline.selection.holds(view) { return }
                try pipeline.take(event.bytes, event.envelope)
            }
        }
    }
}
