import SkeinBSON
import SkeinCollector
import SkeinPickle
import Testing

@Suite struct DistlogTests {
    @Test func `records of both encodings become events, and are counted by topic`() throws {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        let record: BSONDocument = [
            "name": "shop", "levelno": 30, "msg": "no stock", "created": 1_700_000_000.5, "hostname": "a",
            "process": 7, "item": "tea",
        ]
        for topic in ["PLJ", "SLJ"] { try client.send(Array(topic.utf8), PlainJSON.encodeUTF8(record)) }
        try client.send(Array("TLP".utf8), PickleWriter.encode(record))
        // A measurement needs no message.
        try client.send(Array("PPJ".utf8), Array("{\"busy\": 0.5}".utf8))
        try client.send(Array("PLP".utf8), Array("(dS'msg'\ncos\nsystem\ns.".utf8))
        try eventually("all arrive") { running.ledger("journaled") == 5 }
        try running.flush()
        let stored = try running.stored()
        let logs = try #require(stored.first { $0.key.hasPrefix("log-") }).value.map {
            BSONDocument(unchecked: $0)
        }
        #expect(logs.map { $0[path: "body.distlog.system"] } == ["P", "S", "T", "P"])
        for event in logs.dropLast() {
            #expect(event["start"] == .double(1_700_000_000.5))
            #expect(event["host"] == "a")
            #expect(event["pid"] == .int32(7))
            #expect(event["level"] == .int32(30))
            #expect(event[path: "body.level"] == "WARNING")
            #expect(event[path: "body.data.item"] == "tea")
            #expect(event["id"]?.stringValue?.utf8.count == 32)
            #expect(event["trace"] == nil)
        }
        #expect(logs.last?[path: "body.msg"] == "<os.system>")
        let measurement = try #require(stored.first { $0.key.hasPrefix("performance-") }).value
        #expect(BSONDocument(unchecked: measurement[0])[path: "body.data.busy"] == .double(0.5))
        let status = running.collector.status
        #expect(status[path: "distlog.records"] == ["PLJ": 1, "PLP": 1, "PPJ": 1, "SLJ": 1, "TLP": 1])
        #expect(status[path: "distlog.unknown_names"] == 1)
        #expect(status[path: "events.log.count"] == 4)
        running.expectBalance()
    }

    @Test func `a broken record is kept whole, with its reason and the byte`() throws {
        let running = try RunningCollector()
        let client = try PushClient(running.ports.collect[0])
        let half = Array(PickleWriter.encode(["msg": "half"]).dropLast(4))
        try client.send(Array("PLP".utf8), half)
        try client.send(Array("PLJ".utf8), Array("{\"msg\": tru}".utf8))
        try client.send(Array("PLJ".utf8), Array("{\"name\": \"no message\"}".utf8))
        try client.send(freshEvent("ok", 1).bytes)
        try eventually("all arrive") { running.ledger("received") == 4 }
        let rejected = try running.rejected()
        #expect(
            rejected.contains {
                $0.reason == "bad_pickle" && $0.bytes == half && $0.detail.contains("at byte")
            })
        #expect(rejected.contains { $0.reason == "bad_json" && $0.detail.contains("topic PLJ") })
        #expect(rejected.contains { $0.reason == "bad_record" && $0.detail.contains("neither") })
        #expect(running.ledger("journaled") == 1)
        running.expectBalance()
    }
}
