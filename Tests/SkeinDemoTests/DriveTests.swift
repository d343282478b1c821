import Testing

@testable import SkeinDemo

@Suite struct DriveTests {
    @Test func `the same seed drives the same requests, and every kind is among them`() {
        let names = ["bash", "libc6", "gtk+3.0"]
        let targets = { (seed: UInt64) in
            var traffic = Traffic(names: names, seed: seed)
            return (0..<1_000).map { _ in traffic.next() }
        }
        #expect(targets(1).map(\.target) == targets(1).map(\.target))
        #expect(targets(1).map(\.target) != targets(2).map(\.target))
        #expect(Set(targets(1).map(\.kind)) == Set(Traffic.Kind.allCases))
        #expect(Traffic.Kind.allCases.reduce(0) { $0 + $1.share } == 100)
        #expect(targets(3).allSatisfy { $0.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } })
    }

    @Test func `an answer that was not expected is a surprise`() {
        var result = DriveResult()
        struct Refused: Error {}
        let search = Traffic.Request(kind: .search, target: "/search?q=x")
        result.take(search, Result<Int, Refused>.success(200), nanoseconds: 1_000_000)
        result.take(search, Result<Int, Refused>.success(500), nanoseconds: 3_000_000)
        result.take(search, Result<Int, Refused>.failure(Refused()), nanoseconds: 2_000_000)
        #expect(result.count == 3)
        #expect(result.surprises == 2)
        #expect(result.examples.first == "/search?q=x: status 500")
        #expect(
            result.table.lines() == [
                "  requests  count  status          median     p99  slowest",
                "  search        3  200: 1, 500: 1  2.0 ms  3.0 ms   3.0 ms",
            ])
    }

    @Test(arguments: [
        "skeind: control 127.0.0.1:40001, collect 127.0.0.1:40002, deliver 127.0.0.1:40003, stream 127.0.0.1:40004",
        "control=127.0.0.1:40001 stream=127.0.0.1:40004 deliver=tcp://127.0.0.1:40003 collect=127.0.0.1:40002",
        "ready: deliver: 127.0.0.1:40003; control: 127.0.0.1:40001; collect: 127.0.0.1:40002; stream: 127.0.0.1:40004;",
    ])
    func `a collector's start line tells its ports`(line: String) throws {
        let ports = try #require(CollectorPorts(startLine: line))
        #expect(ports.control == "127.0.0.1:40001")
        #expect(ports.collect == "127.0.0.1:40002")
        #expect(ports.deliver == "127.0.0.1:40003")
        #expect(ports.stream == "127.0.0.1:40004")
    }

    @Test(arguments: ["", "control", "warning: control of deliver failed", "deliver 127.0.0.1:1"])
    func `another line tells none`(line: String) {
        #expect(CollectorPorts(startLine: line) == nil)
    }
}
