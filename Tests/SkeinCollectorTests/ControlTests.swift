import SkeinBSON
import SkeinCollector
import SkeinPlatform
import SkeinWire
import SkeinZeroMQ
import Testing

@Suite struct ControlTests {
    @Test func `a Ziggy client finds the ports, in text and in binary`() throws {
        let running = try RunningCollector()
        let ports = running.ports
        #expect(try ask(ports.control, "SOCK_STREAM")["port"] == .int32(Int32(try #require(ports.stream))))
        #expect(try ask(ports.control, "SOCK_COLLECT")["port"] == .int32(Int32(ports.collect[0])))
        #expect(try ask(ports.control, "SOCK_DELIVER")["port"] == .int32(Int32(try #require(ports.deliver))))
        #expect(try ask(ports.control, "SOCK_HTTP")["port"] == .null)
        let binary: BSONDocument = [
            "cmd": .binary(BSONBinary(subtype: 0, bytes: Array("SOCK_COLLECT".utf8)))
        ]
        #expect(try ask(ports.control, binary.bytes)?["port"] == .int32(Int32(ports.collect[0])))
    }

    @Test func `anything else is an unknown command`() throws {
        let running = try RunningCollector()
        let requests: [[UInt8]] = [
            [], [1], Array("STATUS".utf8), [5, 0, 0, 0, 0],
            (["cmd": "status"] as BSONDocument).bytes, (["cmd": 1] as BSONDocument).bytes,
            Array((["cmd": "STATUS"] as BSONDocument).bytes.dropLast()),
        ]
        for request in requests {
            #expect(try ask(running.ports.control, request) == ["error": "Unknown Command"], "\(request)")
        }
    }

    @Test func `STATUS tells what Ziggy's did, and the ledger, outlets, journal and producers`() throws {
        let running = try RunningCollector()
        let empty = try ask(running.ports.control, "STATUS")
        #expect(empty["last"] == .null && empty["lag"] == .null)
        #expect(empty["hosts"] == .document([:]) && empty["events"] == .document([:]))
        #expect(Array(empty.keys.prefix(4)) == ["last", "lag", "hosts", "events"])
        let client = try PushClient(running.ports.collect[0])
        let now = Double(SystemClock.wallNanoseconds()) * 1e-9
        try client.send(event("a", 1, at: now - 3).bytes)
        try client.send(event("b", 2, at: now - 2).bytes)
        try client.send(event("a", 3, at: now - 1).bytes)
        try eventually("they arrive") { running.ledger("journaled") == 3 }
        try running.flush()
        let status = try ask(running.ports.control, "STATUS")
        #expect(status[path: "hosts.h.last"] == .double(now - 1))
        #expect(
            status["events"]
                == .document([
                    "a": ["last": .double(now - 1), "count": 2], "b": ["last": .double(now - 2), "count": 1],
                ]))
        #expect(try #require(status["last"]?.doubleValue) >= now)
        #expect(try #require(status["lag"]?.doubleValue) >= 1)
        #expect(status["version"]?.stringValue == Collector.version)
        #expect(status["id"]?.stringValue?.count == 32)
        #expect(status["pid"]?.intValue == Int64(getpid()))
        #expect(try #require(status["uptime"]?.doubleValue) > 0)
        #expect(status[path: "outlets.files.delivered"]?.intValue == 3)
        #expect(status[path: "journal.budget"]?.intValue == 64 << 20)
        #expect(status["producers"] == .array([:]))
        RunningCollector.expectBalance(status)
    }

    @Test func `frames of any number are answered or passed over, and the port goes on`() throws {
        let running = try RunningCollector()
        let context = try ZMQContext()
        let dealer = try ZMQSocket(.dealer, in: context)
        try dealer.set(.receiveTimeout(.seconds(20)), .linger(.seconds(5)), .sendTimeout(.seconds(20)))
        try dealer.connect("tcp://127.0.0.1:\(running.ports.control)")
        let request = (["cmd": "SOCK_COLLECT"] as BSONDocument).bytes
        #expect(try dealer.sendMultipart([request], wait: true))
        #expect(try dealer.receiveMultipart(wait: true)?.frames.count == 1)
        #expect(try dealer.sendMultipart([[], request], wait: true))
        let answer = try #require(try dealer.receiveMultipart(wait: true))
        #expect(answer.frames.count == 2 && answer.frames[0].isEmpty)
        for count in [3, 4, 100, 5000] {
            #expect(try dealer.sendMultipart(Array(repeating: [1, 2, 3], count: count), wait: true))
            let answer = try #require(try dealer.receiveMultipart(wait: true))
            #expect(try BSONDocument(validating: answer.frames.last ?? [])["error"] != nil)
        }
        #expect(try ask(running.ports.control, "SOCK_COLLECT")["port"] != nil)
    }

    @Test func `a request of more than 64 KiB ends its connection alone`() throws {
        let running = try RunningCollector()
        let context = try ZMQContext()
        let dealer = try ZMQSocket(.dealer, in: context)
        let monitor = try dealer.monitor(.connections)
        try dealer.set(.reconnectInterval(nil))
        try dealer.connect("tcp://127.0.0.1:\(running.ports.control)")
        #expect(try dealer.send([UInt8](repeating: 1, count: 65 << 10), wait: true))
        try eventually("it is disconnected") {
            while let event = try monitor.next() { if event.kind == .disconnected { return true } }
            return false
        }
        #expect(try ask(running.ports.control, "SOCK_COLLECT")["port"] != nil)
        withExtendedLifetime(dealer) {}
    }

    @Test func `ROTATE lets go of the files, and the next event makes new ones`() throws {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        try client.send(freshEvent("a", 1).bytes)
        try eventually("it arrives") { running.ledger("journaled") == 1 }
        #expect(try ask(running.ports.control, "FLUSH") == ["ok": true])
        #expect(try ask(running.ports.control, "ROTATE") == ["ok": true])
        let root = running.folder.path + "/data/files/"
        let day = try #require(TemporaryFolder.names(root).first)
        let name = try #require(TemporaryFolder.names(root + day).first)
        #expect(rename(root + day + "/" + name, running.folder.path + "/moved") == 0)
        try client.send(freshEvent("a", 2).bytes)
        try eventually("it arrives") { running.ledger("journaled") == 2 }
        #expect(try ask(running.ports.control, "FLUSH") == ["ok": true])
        #expect(try RunningCollector.documents(running.folder.path + "/moved").count == 1)
        #expect(try RunningCollector.documents(root + day + "/" + name).count == 1)
    }

    @Test func `RELOAD and SHUTDOWN are for the program around the collector`() throws {
        let bare = try RunningCollector()
        #expect(try ask(bare.ports.control, "RELOAD")["error"] != nil)
        #expect(try ask(bare.ports.control, "SHUTDOWN")["error"] != nil)
        struct Wrong: Error, CustomStringConvertible { let description = "x.yaml:3:1: wrong" }
        let asked = Lines()
        let running = try RunningCollector(
            requests: .init(reload: { throw Wrong() }, shutdown: { asked.add("shutdown") }))
        #expect(try ask(running.ports.control, "RELOAD") == ["error": "x.yaml:3:1: wrong"])
        #expect(try ask(running.ports.control, "SHUTDOWN") == ["ok": true])
        #expect(asked.all == ["shutdown"])
    }
}
