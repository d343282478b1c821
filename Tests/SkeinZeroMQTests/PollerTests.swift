import SkeinPlatform
import SkeinZeroMQ
import Testing

@Suite struct PollerTests {
    @Test func `nothing ready: the wait ends at its time`() throws {
        let context = try ZMQContext()
        let pull = try ZMQSocket(.pull, in: context)
        var poller = ZMQPoller()
        let item = poller.add(pull, for: .readable)
        let start = SystemClock.monotonicNanoseconds()
        #expect(try poller.wait(for: .milliseconds(30)) == 0)
        #expect(SystemClock.monotonicNanoseconds() - start >= 29_000_000)
        #expect(!poller.isReady(item))
        #expect(try poller.wait(for: .zero) == 0)
    }

    @Test func `the readable one of several sockets is told`() throws {
        let context = try ZMQContext()
        let first = try ZMQSocket(.pull, in: context)
        let second = try ZMQSocket(.pull, in: context)
        let push = try ZMQSocket(.push, in: context)
        try first.bind("tcp://127.0.0.1:0")
        try push.connect(try second.bind("tcp://127.0.0.1:0"))
        var poller = ZMQPoller()
        let one = poller.add(first, for: .readable)
        let two = poller.add(second, for: .readable)
        let sender = poller.add(push, for: [])
        #expect(try push.send([1], wait: true))
        #expect(try poller.wait(for: .seconds(10)) == 1)
        #expect(!poller.isReady(one))
        #expect(poller.readiness(of: two) == .readable)
        poller.setInterest(.writable, of: sender)
        #expect(try poller.wait(for: .seconds(10)) == 2)
        #expect(poller.readiness(of: sender) == .writable)
        #expect(try second.readiness.contains(.readable))
    }

    @Test func `a wake-up from another thread ends the wait, once however often it was signalled`() throws {
        let wakeUp = try WakeUp()
        var poller = ZMQPoller()
        let item = poller.add(wakeUp)
        try withThreads { threads in
            threads.append(try SystemThread(name: "waker") { for _ in 0..<1000 { wakeUp.signal() } })
            #expect(try poller.wait(for: .seconds(10)) == 1)
        }
        #expect(poller.isReady(item))
        wakeUp.drain()
        #expect(try poller.wait(for: .zero) == 0)
        wakeUp.signal()
        #expect(try poller.wait(for: .zero) == 1)
    }
}
