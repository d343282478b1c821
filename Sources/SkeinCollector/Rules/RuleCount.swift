import SkeinBSON
import Synchronization

/// What one rule did to the events that one outlet read, since the rules were read.
final class RuleCount: Sendable {
    /// Events that its condition held for.
    let matched = Atomic<UInt64>(0)
    let dropped = Atomic<UInt64>(0)
    let sampledOut = Atomic<UInt64>(0)
    /// Events that it changed.
    let rewritten = Atomic<UInt64>(0)
    /// Fields that it took out or hid.
    let redacted = Atomic<UInt64>(0)
    /// Fields that it could not put in, since the path led through another value.
    let blocked = Atomic<UInt64>(0)
    /// Events that it would have made too large: they went nowhere.
    let tooLarge = Atomic<UInt64>(0)

    /// The figures, in the order of ``names``.
    var values: [UInt64] {
        [
            matched.load(ordering: .relaxed), dropped.load(ordering: .relaxed),
            sampledOut.load(ordering: .relaxed), rewritten.load(ordering: .relaxed),
            redacted.load(ordering: .relaxed), blocked.load(ordering: .relaxed),
            tooLarge.load(ordering: .relaxed),
        ]
    }

    static let names = [
        "matched", "dropped", "sampled_out", "rewritten", "redacted", "not_added", "too_large",
    ]

}
