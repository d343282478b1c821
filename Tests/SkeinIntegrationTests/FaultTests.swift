import SkeinPlatform
import Testing

extension IntegrationTests {
    /// The short forms of `make faults`: the program ends by itself, and tells what it found.
    @Suite struct Faults {
        @Test func `nothing is lost or doubled when app, collector and master are killed at random`()
            async throws
        {
            try await run("kills", "--kills", "50", "--limit", "150")
        }

        @Test func `a collector that is started over a backlog takes no more memory than before`()
            async throws
        {
            try await run("backlog", "--megabytes", "192")
        }

        private func run(_ arguments: String...) async throws {
            let skeind = try Products.path(of: "skeind")
            let program = try RunningProgram(
                [try Products.path(of: "SkeinFaults")] + arguments + ["--skeind", skeind])
            do {
                let status = try await program.end(within: 170)
                #expect(status == 0, "\(program.output.text)\(program.errors.text)")
            } catch {
                // So that it ends what it has started.
                program.signal(SIGTERM)
                _ = try? await program.end(within: 10)
                throw error
            }
        }
    }
}
