import SkeinPlatform
import Synchronization

/// Answers for all CURVE sockets of a context who may connect: the owners of the listed keys, and nobody else (ZeroMQ
/// RFC 27, over the context's `inproc://zeromq.zap.01`). On a thread of its own. At most one a context.
///
/// Make it before the sockets bind. A socket asks for it if it is a CURVE server; without CURVE only if it has a
/// `.zapDomain`, and then it is refused. A message from who was let in carries the key as ``ZMQMessage/userID``.
///
/// ```swift
/// let context = try ZMQContext()
/// let server = try CurveKeyPair.generate()
/// let client = try CurveKeyPair.generate()
/// let authoriser = try ZAPAuthoriser(in: context, allowing: [client.publicKey])
/// let pull = try ZMQSocket(.pull, in: context)
/// try pull.set(ZMQOption.curveServer(secretKey: server.secretKey))
/// try pull.bind("tcp://127.0.0.1:0")
/// authoriser.stop()
/// ```
public final class ZAPAuthoriser: Sendable {
    private let list: AllowedKeys
    private let end: WakeUp
    private let thread: Mutex<SystemThread?>

    /// Starts to answer.
    /// - Throws: ``ZMQError``: `EADDRINUSE` if the context has one already.
    public init(in context: ZMQContext, allowing keys: some Sequence<CurveKey>) throws(ZMQError) {
        let list = AllowedKeys(keys.map(\.bytes))
        let end = try WakeUp()
        self.list = list
        self.end = end
        thread = Mutex(nil)
        let started = Monitor<Result<Void, ZMQError>?>(nil)
        do throws(SystemError) {
            let made = try SystemThread(name: "zmq-zap") {
                do throws(ZMQError) {
                    let socket = try ZMQSocket(.rep, in: context)
                    try socket.bind("inproc://zeromq.zap.01")
                    started.update { $0 = .success(()) }
                    try Self.serve(socket, list, until: end)
                } catch {
                    started.update { if $0 == nil { $0 = .failure(error) } }
                }
            }
            thread.withLock { $0 = made }
        } catch {
            throw ZMQError(code: error.code, operation: "start a thread for", subject: "the authoriser")
        }
        let result = started.wait(until: .max) { $0 }
        if case .failure(let error)? = result {
            stop()
            throw error
        }
    }

    deinit { stop() }

    /// Ends the thread. From then on nobody who asks is let in. A second call does nothing.
    public func stop() {
        end.signal()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    /// Allows these keys from now on, and no others. Connections that stand are not ended.
    public func allow(_ keys: some Sequence<CurveKey>) {
        list.replace(keys.map(\.bytes))
    }

    /// How many connections were refused, and let in.
    public var counts: (refused: Int, accepted: Int) { list.counts }

    private static func serve(
        _ socket: borrowing ZMQSocket, _ list: AllowedKeys, until end: WakeUp
    ) throws(ZMQError) {
        var poller = ZMQPoller()
        _ = poller.add(socket, for: .readable)
        let ended = poller.add(end)
        while true {
            try poller.wait(for: nil)
            if poller.isReady(ended) { return }
            while let request = try socket.receiveMultipart(maximumFrames: 8) {
                // Version, request id, domain, address, routing id, mechanism, credentials.
                let frames = request.frames
                let key = frames.count >= 7 && frames[5].elementsEqual("CURVE".utf8) ? frames[6] : []
                let isAllowed = list.allows(key)
                let reply: [[UInt8]] = [
                    Array("1.0".utf8), frames.count > 1 ? frames[1] : [],
                    Array((isAllowed ? "200" : "400").utf8),
                    Array((isAllowed ? "OK" : "the key is not on the list").utf8),
                    isAllowed ? Array((CurveKey(bytes: key)?.z85 ?? "").utf8) : [], [],
                ]
                _ = try socket.sendMultipart(reply, wait: true)
            }
        }
    }
}

/// The keys that are let in, shared by the authoriser and its thread.
private final class AllowedKeys: Sendable {
    private struct State {
        var keys: Set<[UInt8]>
        var refused = 0
        var accepted = 0
    }

    private let state: Mutex<State>

    init(_ keys: [[UInt8]]) {
        state = Mutex(State(keys: Set(keys)))
    }

    func replace(_ keys: [[UInt8]]) {
        state.withLock { $0.keys = Set(keys) }
    }

    /// Decides, and counts.
    func allows(_ key: [UInt8]) -> Bool {
        state.withLock { state in
            let isAllowed = state.keys.contains(key)
            if isAllowed { state.accepted += 1 } else { state.refused += 1 }
            return isAllowed
        }
    }

    var counts: (refused: Int, accepted: Int) { state.withLock { ($0.refused, $0.accepted) } }
}
