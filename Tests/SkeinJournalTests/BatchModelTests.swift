import SkeinPlatform
import Synchronization
import Testing

@testable import SkeinJournal

@Suite struct BatchModelTests {
    @Test func `a collector's journal is what the model says through any sequence of crashes`() throws {
        // Seeds that once failed: a torn header with the committed length of an earlier use.
        for seed in [10_367_147_088_364_382_043] + Seeds(1000) {
            let driver = BatchDriver(seed: seed)
            do {
                try driver.open()
                for _ in 0..<(20 + driver.random.below(60)) {
                    if driver.random.oneIn(12) {
                        driver.log.append("crash")
                        if driver.random.oneIn(2) { driver.kill() } else { driver.cutPower() }
                        try driver.open()
                    } else {
                        try driver.step()
                    }
                }
                driver.cutPower()
                try driver.open()
            } catch {
                Issue.record("SKEIN_JOURNAL_SEED=\(seed): \(error)\n\(driver.log.joined(separator: " "))")
                return
            }
        }
    }

    @Test func `whichever write the power goes at, nothing acknowledged is lost and nothing is doubled`()
        throws
    {
        for seed in Seeds(6) {
            var cut = 0
            while true {
                let driver = BatchDriver(seed: seed)
                // The same steps each time, and the power goes at the next operation.
                driver.disk.state.withLock { $0.powerAfter = cut }
                do {
                    try? driver.open()
                    for _ in 0..<60 { try driver.step() }
                    let wasCut = driver.disk.state.withLock { $0.powerAfter == 0 }
                    // Not only when it goes, also what it leaves, and where it goes again, is any.
                    driver.random = FastRandom(seed: seed &+ UInt64(cut))
                    driver.cutPower()
                    try driver.open(powerFor: driver.random.below(12))
                    for _ in 0..<20 { try driver.step() }
                    // What nobody had synced is made durable now; until then the power may go, too.
                    _ = try? driver.journal?.beginMark()
                    driver.kill()
                    try driver.open(powerFor: driver.random.below(12))
                    driver.cutPower()
                    try driver.open()
                    if !wasCut { break }
                } catch {
                    Issue.record(
                        "SKEIN_JOURNAL_SEED=\(seed), cut \(cut): \(error)\n\(driver.log.joined(separator: " "))"
                    )
                    return
                }
                cut += 1
            }
        }
    }

    @Test func `what was held of a stream outlives a power cut also where nobody reads`() throws {
        for seed in Seeds(1000) {
            var random = FastRandom(seed: seed)
            var disk = SimulatedDisk()
            var held: UInt64 = 0
            for _ in 0..<4 {
                let journal = try BatchJournalTests.journal(disk)
                let row = try journal.openStream(stream(1), isDurable: true, highest: 0, now: 1)
                guard row.highest >= held else {
                    Issue.record("SKEIN_JOURNAL_SEED=\(seed): held up to \(row.highest), not \(held)")
                    return
                }
                var number = row.highest
                for _ in 0..<random.below(60) {
                    // Without a reader a segment is used again once a later one is durable.
                    number += 1
                    let text = random.filler(below: 4000)
                    guard journal.append([(number, text)], stream: row.index).failure == nil else { break }
                    if random.oneIn(3) {
                        try journal.sync()
                        held = number
                    }
                }
                disk = disk.powerCut(&random)
            }
        }
    }
}
