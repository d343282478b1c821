import Foundation
import SkeinBSON
import Testing

extension IntegrationTests {
    /// Rules that change events, beside a model of them in Python (Tests/Python/rules_model.py).
    @Suite struct Rules {
        private static func model(_ arguments: String...) async throws {
            let script = Products.repository.appendingPathComponent("Tests/Python/rules_model.py").path
            let program = try RunningProgram([Products.python(), script] + arguments)
            #expect(try await program.end() == 0, "\(program.errors.text)")
        }

        @Test(arguments: [1001, 1002, 1003, 1004, 1005, 1006])
        func `random rules make of random events, byte for byte, what the model makes`(seed: Int) async throws
        {
            let folder = try TemporaryFolder()
            try await Self.model("make", folder.path, "\(seed)", "200")
            let daemon = try await Daemon.start(in: folder, ["--config", folder.path + "/skeind.yaml"])
            try await Self.model("send", folder.path, daemon.port("collect"))
            let deadline = ContinuousClock.now + .seconds(30)
            while try await daemon.ask("STATUS")[path: "ledger.received"]?.intValue != 200 {
                try #require(ContinuousClock.now < deadline, "not all arrive")
            }
            let expected = try folder.bytes(of: "expected.bson")
            let stored = try await daemon.stored("t", bytes: expected.count)
            #expect(stored == expected, "\(folder.path)")
            try await daemon.finish()
        }
    }
}
