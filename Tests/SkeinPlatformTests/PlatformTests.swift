import SkeinPlatform
import Synchronization
import Testing

@Suite struct PlatformTests {
    @Test func `CRC32C of the check string is the RFC's`() {
        let sum = Array("123456789".utf8).withUnsafeBytes { CRC32C.checksum($0) }
        #expect(sum == 0xE306_9283)
    }

    @Test func `CRC32C fed in pieces equals one feed, at every split`() {
        let bytes = (0..<67).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        bytes.withUnsafeBytes { all in
            let whole = CRC32C.checksum(all)
            for split in 0...all.count {
                var crc = CRC32C()
                crc.update(UnsafeRawBufferPointer(rebasing: all[..<split]))
                crc.update(UnsafeRawBufferPointer(rebasing: all[split...]))
                #expect(crc.value == whole)
            }
        }
    }

    @Test func `a spin lock lets one thread in at a time`() throws {
        final class Shared: @unchecked Sendable {  // count is only touched under the lock
            let lock = SpinLock()
            var count = 0
        }
        let shared = Shared()
        let threads = try (0..<4).map { index in
            try SystemThread(name: "spin-\(index)") {
                for _ in 0..<50_000 { shared.lock.withLock { shared.count += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(shared.count == 200_000)
    }

    @Test func `errors carry the symbolic name`() {
        #expect(SystemError(code: ENOSPC).name == "ENOSPC")
        #expect(SystemError(code: EAGAIN).name == "EAGAIN")
        #expect(SystemError(code: 99_999).name == "errno 99999")
    }

    @Test func `a seeded generator repeats itself, two seeds differ`() {
        var first = FastRandom(seed: 1)
        var again = FastRandom(seed: 1)
        var other = FastRandom(seed: 2)
        let sequence = (0..<100).map { _ in first.next() }
        #expect(sequence == (0..<100).map { _ in again.next() })
        #expect(sequence != (0..<100).map { _ in other.next() })
        #expect(Set(sequence).count == 100)
    }
}
