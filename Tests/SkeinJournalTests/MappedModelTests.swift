import SkeinPlatform
import Testing

@testable import SkeinJournal

@Suite struct MappedModelTests {
    @Test func `an app's journal is what the model says through any sequence of crashes`() throws {
        for seed in Seeds(1000) {
            let driver = MappedDriver(seed: seed)
            do {
                try driver.open(after: .killed)
                for _ in 0..<(20 + driver.random.below(120)) {
                    if driver.random.oneIn(15) { try driver.crash() } else { try driver.step() }
                }
                try driver.crash()
            } catch {
                Issue.record("SKEIN_JOURNAL_SEED=\(seed): \(error)\n\(driver.log.joined(separator: " "))")
                return
            }
        }
    }
}
