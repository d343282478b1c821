import Foundation
import SkeinArchive
import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ
import Testing

@testable import SkeinTool

/// A stand-in for a daemon: a control port that answers, and a stream.
final class StandIn: @unchecked Sendable {
    // Sendable: sockets belong to the thread; everything else goes through the monitor.
    struct State {
        var controlPort: UInt16?
        var asked: [String] = []
        var outgoing: [(type: String, document: [UInt8])] = []
        var answers: [String: BSONDocument] = [:]
        var movesStream = false
        var isSilent = false
        var isStopping = false
        var isStopped = false
        var streamPorts: [UInt16] = []
    }

    let state = Monitor(State())

    /// - Parameter secretKey: for a daemon that asks for keys.
    init(controlPort: UInt16 = 0, answers: [String: BSONDocument] = [:], secretKey: CurveKey? = nil) throws {
        state.withLock { $0.answers = answers }
        let state = state
        try SystemThread(name: "stand-in") {
            do {
                try Self.serve(
                    state, controlPort, secretKey.map { ZMQOption.curveServer(secretKey: $0) } ?? [])
            } catch {
                Issue.record("the stand-in failed: \(error)")
            }
            state.update { $0.isStopped = true }
        }.detach()
        _ = state.wait(until: Self.deadline) { $0.controlPort ?? ($0.isStopped ? 0 : nil) }
    }

    deinit {
        stop()
    }

    var address: String { "127.0.0.1:\(state.withLock { $0.controlPort ?? 0 })" }

    func stop() {
        state.update { $0.isStopping = true }
        _ = state.wait(until: Self.deadline) { $0.isStopped ? true : nil }
    }

    /// Publishes again and again (a subscriber may not be there yet) until `isSeen`.
    func publish(_ documents: [BSONDocument], until isSeen: () -> Bool) {
        publish({ (_: Int) in documents }, until: isSeen)
    }

    func publish(_ documents: (Int) -> [BSONDocument], until isSeen: () -> Bool) {
        var round = 0
        let deadline = Self.deadline
        while !isSeen(), SystemClock.monotonicNanoseconds() < deadline {
            state.update { state in
                state.outgoing += documents(round).map { ($0["type"]?.stringValue ?? "", $0.bytes) }
            }
            round += 1
            // Waits for the thread to have sent them.
            _ = state.wait(until: deadline) { $0.outgoing.isEmpty ? true : nil }
        }
    }

    func waitUntilAsked(_ command: String, times: Int) -> Bool {
        state.wait(until: Self.deadline) { $0.asked.count { $0 == command } >= times ? true : nil } ?? false
    }

    private static var deadline: Int64 { SystemClock.monotonicNanoseconds() + 20_000_000_000 }

    private static func serve(_ state: Monitor<State>, _ port: UInt16, _ options: [ZMQOption]) throws {
        let context = try ZMQContext()
        let control = try ZMQSocket(.router, in: context)
        try control.set(options)
        try control.bind("tcp://127.0.0.1:\(port)")
        var stream = try ZMQSocket(.pub, in: context)
        try stream.set(options)
        try stream.bind("tcp://127.0.0.1:0")
        let bound = control.boundPort.map { UInt16($0) }
        state.update { $0.controlPort = bound }
        while !state.withLock({ $0.isStopping }) {
            if state.withLock({ $0.movesStream }) {
                let moved = try ZMQSocket(.pub, in: context)
                try moved.bind("tcp://127.0.0.1:0")
                stream = moved
                state.update { $0.movesStream = false }
            }
            let streamPort = UInt16(stream.boundPort ?? 0)
            if let frames = try control.receiveMultipart()?.frames, frames.count == 3 {
                let command = try BSONDocument(validating: frames[2])["cmd"]?.stringValue ?? ""
                let (answer, isSilent) = state.update { state in
                    state.asked.append(command)
                    return (state.answers[command], state.isSilent)
                }
                if isSilent { continue }
                let reply =
                    answer ?? (command == "SOCK_STREAM" ? ["port": .int32(Int32(streamPort))] : ["ok": true])
                _ = try control.sendMultipart([frames[0], frames[1], reply.bytes])
            }
            let outgoing = state.update { state in
                defer { state.outgoing = [] }
                return state.outgoing
            }
            for (type, document) in outgoing { _ = try stream.sendMultipart([Array(type.utf8), document]) }
            usleep(5000)
        }
    }
}

@Suite struct LiveTests {
    @Test func `live events of the types asked for are shown, a bare name exactly`() throws {
        let daemon = try StandIn()
        let tool = try RunningTool([
            "view", "-H", daemon.address, "-n", "request", "-n", "job*", "--fields", "type",
        ])
        let documents = [
            event("request.sql"), event("other"), event("request"), event("job.step"), event("requested"),
        ]
        let isSeen = { tool.output { _ in true }.contains("job.step") }
        daemon.publish(documents, until: isSeen)
        let shown = Set(tool.output { _ in true }.split(separator: "\n"))
        #expect(shown == ["request", "job.step"])
        #expect(tool.stop() == 0)
    }

    @Test func `without a daemon it says so at once`() throws {
        let listener = try ListeningPort()
        let outcome = skein("view", "-H", "127.0.0.1:\(listener.closedPort)")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("nobody listens at 127.0.0.1:\(listener.closedPort)"))
    }

    @Test func `a malformed event on the stream is said and passed over`() throws {
        let daemon = try StandIn()
        let tool = try RunningTool(["view", "-H", daemon.address, "--fields", "type"])
        daemon.publish([BSONDocument(unchecked: [9, 0, 0, 0, 2, 65, 0, 0, 0]), event("good")]) {
            tool.output { _ in true }.contains("good")
        }
        #expect(tool.errors { $0.contains("malformed") }.contains("malformed event of 9 bytes"))
        #expect(tool.stop() == 0)
    }

    @Test func `a silent stream is asked for again, and followed when it moves`() throws {
        let daemon = try StandIn()
        let shown = Monitor("")
        let interrupt = Flag()
        let address = try ControlAddress(daemon.address)
        try SystemThread(name: "live") {
            let console = Console(output: OutputSink(), errors: OutputSink())
            console.isInterrupted = {
                let text = console.output.text
                shown.update { $0 = text }
                return interrupt.isRaised
            }
            let pipeline = EventPipeline(
                EventSelection(), .each(FieldsWriter(console.output, paths: ["type"])), console)
            var live = LiveEvents(address: address, types: .init(), console: console, pipeline: pipeline)
            live.silence = .milliseconds(100)
            try? live.run()
        }.detach()
        #expect(
            daemon.waitUntilAsked("SOCK_STREAM", times: 3), "an idle stream is asked for again and survives")
        daemon.publish([event("before")]) { shown.withLock { $0.contains("before") } }
        daemon.state.update { $0.movesStream = true }
        daemon.publish([event("after")]) { shown.withLock { $0.contains("after") } }
        #expect(shown.withLock { $0.contains("after") })
        interrupt.raise()
    }

    @Test func `a daemon that goes is waited for, and followed when it is back`() throws {
        let first = try StandIn()
        let address = first.address
        let tool = try RunningTool(["view", "-H", address, "--fields", "type"])
        first.publish([event("before")]) { tool.output { _ in true }.contains("before") }
        let port = first.state.withLock { $0.controlPort ?? 0 }
        first.stop()
        #expect(tool.errors { $0.contains("waiting") }.contains("nobody listens"))
        let second = try StandIn(controlPort: port)
        second.publish([event("after")]) { tool.output { _ in true }.contains("after") }
        #expect(tool.output { $0.contains("after") }.contains("after"))
        #expect(tool.errors { $0.contains("is back") }.contains("is back"))
        #expect(tool.stop() == 0)
    }

    @Test func `a daemon that asks for keys gets them, and without them it says what to give`() throws {
        let folder = try TestFolder()
        let (own, theirs) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        let file = try folder.write("own", Array((own.secretKey.z85 + "\n").utf8))
        let known = try folder.write("theirs.pub", Array((theirs.publicKey.z85 + "\n").utf8))
        let daemon = try StandIn(secretKey: theirs.secretKey)
        for server in [theirs.publicKey.z85, known] {
            let outcome = skein(
                "ctl", "reload", "-H", daemon.address, "--curve-key", file, "--curve-server", server)
            #expect(outcome.code == 0, "\(outcome.errors)")
        }
        let tool = try RunningTool([
            "view", "-H", daemon.address, "--curve-key", file, "--curve-server", known, "--fields", "type",
        ])
        daemon.publish([event("secret")]) { tool.output { _ in true }.contains("secret") }
        #expect(tool.output { _ in true }.contains("secret"))
        #expect(tool.stop() == 0)

        let without = skein("ctl", "reload", "-H", daemon.address, "--timeout", "2")
        #expect(without.code == 1 && without.errors.contains("key"), "\(without.errors)")
        let wrong = skein(
            "ctl", "reload", "-H", daemon.address, "--timeout", "2", "--curve-key", file, "--curve-server",
            own.publicKey.z85)
        #expect(wrong.code == 1, "\(wrong.errors)")
    }

    @Test func `an open tree is shown when the user ends it`() throws {
        let daemon = try StandIn()
        let tool = try RunningTool(["view", "-H", daemon.address, "--tree"])
        // A tree that is complete shows that the stream is there; the other waits for its root.
        let pair = { (round: Int) in
            [
                event("open.child", id: "open\(round)", span: "b", parent: "a"),
                event("done", id: "done\(round)", span: "c"),
            ]
        }
        daemon.publish(pair, until: { tool.output { _ in true }.contains("done") })
        #expect(!tool.output { _ in true }.contains("open.child"))
        #expect(tool.stop() == 0)
        #expect(tool.output { _ in true }.contains("(span a not seen)"))
    }
}

/// A port on which surely nobody listens: bound, so nobody else gets it, and not listening.
struct ListeningPort: ~Copyable {
    private let descriptor: Int32
    let closedPort: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        closedPort = UInt16(bigEndian: address.sin_port)
        try #require(result)
    }

    deinit {
        close(descriptor)
    }
}
