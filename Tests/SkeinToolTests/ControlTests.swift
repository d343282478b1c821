import SkeinBSON
import SkeinPlatform
import SkeinZeroMQ
import Testing

@testable import SkeinTool

@Suite struct ControlTests {
    private let status: BSONDocument = [
        "last": .double(noon), "lag": .double(0.012),
        "hosts": ["web1.example": ["last": .double(noon)], "evil\u{1B}": ["last": .null]],
        "events": [
            "request": ["last": .double(noon), "count": .int64(12_345)],
            "request.sql": ["last": .double(noon + 60), "count": .int64(99)],
        ],
        "version": "0.1.0", "id": "c0ffee", "pid": .int32(4242), "uptime": .double(12_000),
        "ledger": ["received": 12_444, "rejected": ["not_bson": 2]],
        "outlets": ["files": ["delivered": 12_442, "backlogBytes": 1_200_000], "forward": [:]],
        "producers": [["service": "shop", "last": .double(noon)]],
    ]

    @Test func `status reads as a page`() throws {
        let daemon = try StandIn(answers: ["STATUS": status])
        let outcome = skein("ctl", "status", "-H", daemon.address)
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        #expect(
            outcome.lines == [
                "skeind 0.1.0  id c0ffee  pid 4242  up 3 h 20 min",
                "last event 2026-11-20 15:27:43.000Z (1 h ago), lag 12 ms",
                "", "hosts  2", "  web1.example  1 h ago", "  evil\\x1B",
                "", "types  2", "  request             12,345  1 h ago",
                "  request.sql             99  59 min ago",
                "", "ledger", "  received  12,444", "  rejected", "    not_bson  2",
                "", "outlets", "  files", "    delivered     12,442", "    backlogBytes  1.2 MB",
                "  forward  none",
                "", "producers", "  service shop, last 1 h ago", "",
            ])
    }

    @Test func `status as JSON is the daemon's answer, also by Ziggy's flag`() throws {
        let daemon = try StandIn(answers: ["STATUS": status])
        for flag in ["--json", "-r", "--raw"] {
            let outcome = skein("-H", daemon.address, "ctl", "status", flag)
            #expect(outcome.code == 0)
            #expect(try ExtendedJSON.decode(outcome.output)[path: "events.request.count"]?.intValue == 12_345)
        }
    }

    @Test func `an old Ziggy daemon's short answer reads, too`() {
        let report = StatusReport(["last": .null, "lag": .null, "hosts": [:], "events": [:]], now: noon)
        #expect(report.lines.map { $0.rendered(limit: nil, isColored: false) } == ["no event yet"])
    }

    @Test func `any answer makes a page`() {
        var many = BSONDocument()
        for number in 0..<100 { many.append("t\(number)", ["count": .int64(.max), "last": .double(.nan)]) }
        let report = StatusReport(
            [
                "last": "text", "lag": [:], "hosts": 7, "events": .document(many),
                "odd": ["a": [1, [2]], "b": .double(.infinity)], "n": .int64(.min),
            ],
            now: noon)
        let lines = report.lines.map { $0.rendered(limit: nil, isColored: false) }
        #expect(lines.contains("  … and 70 more (--json has all)"))
    }

    @Test(arguments: ["flush", "rotate", "reload", "shutdown"])
    func `the other commands ask and say nothing when it is done`(command: String) throws {
        let daemon = try StandIn()
        let outcome = skein("ctl", command, "-H", daemon.address)
        #expect(outcome.code == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
        #expect(daemon.waitUntilAsked(command.uppercased(), times: 1))
    }

    @Test func `an error of the daemon is passed on, with exit code 1`() throws {
        let daemon = try StandIn(answers: ["RELOAD": ["error": "line 3: \u{1B}no"]])
        let outcome = skein("ctl", "reload", "-H", daemon.address)
        #expect(outcome.code == 1)
        #expect(outcome.errors == "skein: the daemon at \(daemon.address) answers: line 3: \\x1Bno\n")
    }

    @Test func `no daemon, no answer and the wrong port are told apart`() throws {
        let nobody = try ListeningPort()
        #expect(
            skein("ctl", "status", "-H", "127.0.0.1:\(nobody.closedPort)").errors.contains("nobody listens"))

        let silent = try StandIn()
        silent.state.update { $0.isSilent = true }
        let outcome = skein("ctl", "status", "-H", silent.address, "--timeout", "0.3")
        #expect(
            outcome.code == 1 && outcome.errors.contains("no answer from \(silent.address) within 300 ms"))

        let context = try ZMQContext()
        let collect = try ZMQSocket(.pull, in: context)
        try collect.bind("tcp://127.0.0.1:0")
        let wrong = skein("ctl", "status", "-H", "127.0.0.1:\(collect.boundPort ?? 0)")
        #expect(wrong.code == 1 && wrong.errors.contains("control port"))
    }
}
