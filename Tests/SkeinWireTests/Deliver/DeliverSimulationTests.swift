import SkeinWire
import Testing

@Suite struct DeliverSimulationTests {
    @Test(arguments: 0..<4)
    func `whatever the link and both ends do, every record is held once and in order`(_ quarter: Int) throws {
        for seed in stride(from: quarter, to: 10_000, by: 4) {
            var simulation = DeliverSimulation(seed: UInt64(seed))
            do {
                try simulation.run(steps: 150)
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
    }
}
