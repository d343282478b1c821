import Foundation
import SkeinLogging
import SkeinTesting
import Testing

/// `BurstHandler` against Python's BurstLogging, from PyPI.
@Suite struct BurstOracleTests {
    private struct Sequence {
        enum Step {
            case record(Int32)
            case flush, close
        }

        var level: Int32
        var emitLevel: Int32
        var burstLevel: Int32
        var capacity: Int
        var threshold: Double
        var steps: [Step]

        /// As Tests/Python/burst.py reads it.
        var line: String {
            let steps = steps.map { step in
                switch step {
                case .record(let level): String(level)
                case .flush: "f"
                case .close: "c"
                }
            }
            return "\(level) \(emitLevel) \(burstLevel) \(capacity) \(threshold) "
                + steps.joined(separator: " ")
        }

        static func random(_ random: inout Generator) -> Sequence {
            // What is usual, as often as what is not: 0 and 1 at either end, a threshold above 1, levels without names.
            let levels: [Int32] = [5, 10, 20, 25, 30, 40, 50]
            let capacities = [0, 1, 2, 3, 5, 10, 50]
            let thresholds = [0, 0.1, 1.0 / 3, 0.5, 0.8, 0.99, 1, 1.5]
            func level(_ random: inout Generator) -> Int32 {
                Bool.random(using: &random)
                    ? levels[Int.random(in: 0..<7, using: &random)] : Int32.random(in: 0...60, using: &random)
            }
            let isUsual = Bool.random(using: &random)
            let steps = (0..<Int.random(in: 0...120, using: &random)).map { _ -> Step in
                switch Int.random(in: 0..<100, using: &random) {
                case 0: .flush
                case 1 where Int.random(in: 0..<10, using: &random) == 0: .close
                default: .record(level(&random))
                }
            }
            return Sequence(
                level: isUsual ? 0 : level(&random), emitLevel: isUsual ? 20 : level(&random),
                burstLevel: isUsual ? 40 : level(&random),
                capacity: Bool.random(using: &random)
                    ? capacities[Int.random(in: 0..<capacities.count, using: &random)]
                    : Int.random(in: 0...100, using: &random),
                threshold: Bool.random(using: &random)
                    ? thresholds[Int.random(in: 0..<thresholds.count, using: &random)]
                    : Double.random(in: 0...1, using: &random),
                steps: steps)
        }

        /// What ours lets go of.
        func ours() -> (seen: String, unseen: UInt64, made: Int, taken: Int) {
            let target = RecordingHandler()
            let burst = BurstHandler(
                target: target, emitLevel: LogLevel(rawValue: emitLevel),
                burstLevel: LogLevel(rawValue: burstLevel), level: LogLevel(rawValue: level),
                capacity: capacity, threshold: threshold)
            var number = 0
            var taken = 0
            for step in steps {
                switch step {
                case .record(let level):
                    let record = LogRecord(level: LogLevel(rawValue: level), "\(number)")
                    if record.level >= burst.level {
                        taken += 1
                        burst.handle(record)
                    }
                    number += 1
                case .flush: burst.flush()
                case .close: burst.close()
                }
            }
            burst.close()
            return (target.messages.joined(separator: " "), burst.unseen, number, taken)
        }
    }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        /// SplitMix64 (Steele, Lea and Flood, 2014).
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }

    @Test func `ten thousand random sequences leave as Python's BurstLogging lets them go`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Generator(state: seed)
        // The end is a close, so that nothing is still held.
        let sequences = (0..<10_000).map { _ in
            var sequence = Sequence.random(&random)
            sequence.steps.append(.close)
            return sequence
        }
        let script = Products.repository.appendingPathComponent("Tests/Python/burst.py").path
        let input = sequences.map { $0.line + "\n" }.joined()
        let python = try RunningProgram([Products.python(), script], input: input)
        #expect(try await python.end() == 0, "\(python.errors.text)")
        let theirs = python.output.lines
        try #require(theirs.count == sequences.count)
        var different = 0
        for (sequence, expected) in zip(sequences, theirs) {
            let outcome = sequence.ours()
            let seen = outcome.seen.isEmpty ? 0 : outcome.seen.split(separator: " ").count
            #expect(Int(outcome.unseen) + seen == outcome.taken, "seed \(seed): \(sequence.line)")
            if outcome.seen != expected {
                different += 1
                if different <= 3 {
                    Issue.record("seed \(seed): \(sequence.line)\nours   \(outcome.seen)\nPython \(expected)")
                }
            }
        }
        #expect(different == 0)
    }
}
