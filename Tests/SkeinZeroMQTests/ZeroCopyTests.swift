import SkeinPlatform
import SkeinZeroMQ
import Synchronization
import Testing

@Suite struct ZeroCopyTests {
    /// Counts the calls of `release`, and lets a test wait for them.
    final class Releases: Sendable {
        private let count = Atomic<Int>(0)
        private let wakeUp: WakeUp

        init() throws { wakeUp = try WakeUp() }

        var total: Int { count.load(ordering: .acquiring) }

        func call() {
            count.add(1, ordering: .releasing)
            wakeUp.signal()
        }

        func wait(for wanted: Int) throws {
            let deadline = SystemClock.monotonicNanoseconds() + 10_000_000_000
            var poller = ZMQPoller()
            _ = poller.add(wakeUp)
            while total < wanted && SystemClock.monotonicNanoseconds() < deadline {
                try poller.wait(for: .milliseconds(500))
                wakeUp.drain()
            }
            #expect(total == wanted)
        }
    }

    @Test func `a sent buffer is released once, after its bytes arrived`() throws {
        let context = try ZMQContext()
        let releases = try Releases()
        let pull = try ZMQSocket(.pull, in: context)
        let push = try ZMQSocket(.push, in: context)
        try push.connect(try pull.bind("tcp://127.0.0.1:0"))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 300_000, alignment: 8)
        defer { buffer.deallocate() }
        for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index &* 7) }
        for _ in 0..<20 {
            #expect(try push.send(zeroCopy: UnsafeRawBufferPointer(buffer), wait: true) { releases.call() })
        }
        for _ in 0..<20 {
            let same = try pull.receive(wait: true)?.withBytes { $0.elementsEqual(buffer) }
            #expect(same == true)
        }
        try releases.wait(for: 20)
    }

    @Test func `a buffer that would block is released once, before the call returns`() throws {
        let context = try ZMQContext()
        let releases = try Releases()
        let push = try ZMQSocket(.push, in: context)
        let bytes = [UInt8](repeating: 1, count: 10_000)
        let taken = try bytes.withUnsafeBytes { try push.send(zeroCopy: $0) { releases.call() } }
        #expect(!taken)
        #expect(releases.total == 1)
    }

    @Test func `a buffer that is refused is released once, before the call throws`() throws {
        let context = try ZMQContext()
        let releases = try Releases()
        let router = try ZMQSocket(.router, in: context)
        try router.set(.routerMandatory(true))
        let bytes = [UInt8](repeating: 1, count: 10_000)
        #expect(errorSendingZeroCopy(bytes, to: router, releases)?.name == "EHOSTUNREACH")
        #expect(releases.total == 1)
        let pull = try ZMQSocket(.pull, in: context)
        #expect(errorSendingZeroCopy(bytes, to: pull, releases)?.code == ENOTSUP)
        #expect(releases.total == 2)
    }

    private func errorSendingZeroCopy(
        _ bytes: [UInt8], to socket: borrowing ZMQSocket, _ releases: Releases
    ) -> ZMQError? {
        bytes.withUnsafeBytes { buffer in
            do throws(ZMQError) {
                _ = try socket.send(zeroCopy: buffer, more: true) { releases.call() }
            } catch {
                return error
            }
            return nil
        }
    }

    @Test func `an empty buffer is released once`() throws {
        let context = try ZMQContext()
        let releases = try Releases()
        let pull = try ZMQSocket(.pull, in: context)
        let push = try ZMQSocket(.push, in: context)
        try push.connect(try pull.bind("tcp://127.0.0.1:0"))
        #expect(
            try push.send(zeroCopy: UnsafeRawBufferPointer(start: nil, count: 0), wait: true) {
                releases.call()
            })
        #expect(try pull.receive(wait: true)?.count == 0)
        try releases.wait(for: 1)
    }

    @Test func `what is still queued when the socket closes is released, with every message`() throws {
        let context = try ZMQContext()
        let releases = try Releases()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100_000, alignment: 8)
        buffer.initializeMemory(as: UInt8.self, repeating: 5)
        defer { buffer.deallocate() }
        do {
            // A listener that accepts and never reads.
            let pull = try ZMQSocket(.pull, in: context)
            try pull.set(.receiveHighWaterMark(1), .receiveBufferBytes(4096))
            let push = try ZMQSocket(.push, in: context)
            try push.set(.sendHighWaterMark(0), .sendBufferBytes(4096))
            try push.connect(try pull.bind("tcp://127.0.0.1:0"))
            for _ in 0..<200 {
                #expect(
                    try push.send(zeroCopy: UnsafeRawBufferPointer(buffer), wait: true) { releases.call() })
            }
        }
        context.terminate()
        #expect(releases.total == 200)
    }
}
