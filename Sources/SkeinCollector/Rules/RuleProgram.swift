import SkeinBSON
import SkeinCrypto
import SkeinJournal
import SkeinPlatform
import SkeinWire
import Synchronization

/// Rules made ready to run: what becomes of an event is a function of its bytes alone, so that every outlet finds the same,
/// whenever it reads.
final class RuleProgram: Sendable {
    struct Step: Sendable {
        let rule: Rule
        let filter: (any EventFilter)?
        let sample: RuleSample?
        let redactor: FieldRedactor
        let setters: [FieldSetter]
        let hold: RuleHold?
    }

    /// What came of an event.
    struct Outcome {
        var fate: Fate
        /// Those bytes that came, or others, lent until the next call with the scratch.
        var event: UnsafeRawBufferPointer
        /// The first rule with a hold that matched, and what it groups the event by: that rule's outlets do not get it now.
        var heldBy: Int?
    }

    /// What became of an event.
    enum Fate: Sendable, Equatable {
        /// It goes on, to the outlets that rules name.
        case goes
        case dropped(rule: Int)
        case sampledOut(rule: Int)
        /// It would have been too large, or is no event.
        case broken(rule: Int?)
    }

    let steps: [Step]
    /// No rule names an outlet: every event goes to all of them.
    let isForAll: Bool
    /// The largest event that a rule may make.
    let maximumBytes: Int
    /// Whether any rule holds events back.
    let holds: Bool

    /// - Parameters:
    ///   - compile: makes filters; what fails here was found before, and matches nothing.
    ///   - hash: of values that are hidden by their hash; without it they are masked.
    init(
        _ rules: [Rule], compile: EventFilterCompiler?, hash: KeyedHash?, maximumBytes: Int,
        begins: [UInt64: HoldBeginning] = [:]
    ) {
        steps = rules.indices.map { Step(rules, $0, compile, hash, begins) }
        holds = steps.contains { $0.hold != nil }
        isForAll = !rules.contains { !$0.to.isEmpty }
        self.maximumBytes = min(maximumBytes, EventCheck.maximumBytes)
    }

    /// Applies the rules to one event.
    /// - Parameters:
    ///   - position: where it begins in the journal; nil: behind whatever was there when a hold began.
    ///   - watch: called with each hold that the rules come to, whether its rule matches or not.
    ///   - visit: called with each rule that matches and neither ends the event nor holds it.
    func run(
        _ event: UnsafeRawBufferPointer, at position: JournalPosition? = nil, _ scratch: RuleScratch,
        counts: [RuleCount]?, watch: ((Int, UnsafeRawBufferPointer) -> Void)? = nil, visit: (Int) -> Void
    ) -> Outcome {
        var current = event
        var heldBy: Int?
        guard EventCheck.check(current, into: &scratch.envelope) == nil else {
            return Outcome(fate: .broken(rule: nil), event: event)
        }
        for index in steps.indices {
            let step = steps[index]
            if let watch, step.hold != nil { watch(index, current) }
            if let filter = step.filter, !filter.matches(current, scratch.envelope) { continue }
            let count = counts?[index]
            count?.matched.wrappingAdd(1, ordering: .relaxed)
            if step.rule.isDropping {
                count?.dropped.wrappingAdd(1, ordering: .relaxed)
                return Outcome(fate: .dropped(rule: index), event: current)
            }
            if let sample = step.sample, !sample.keeps(current, scratch.envelope) {
                count?.sampledOut.wrappingAdd(1, ordering: .relaxed)
                return Outcome(fate: .sampledOut(rule: index), event: current)
            }
            // As it is when its rule comes to it.
            let isHeld =
                step.hold.map { hold in
                    hold.holds(position) && event.count + RuleHold.headroom <= maximumBytes
                        && hold.key(current) != nil
                } ?? false
            if step.rule.isRewriting {
                guard let rewritten = rewrite(current, step, scratch, count) else {
                    count?.tooLarge.wrappingAdd(1, ordering: .relaxed)
                    return Outcome(fate: .broken(rule: index), event: current)
                }
                current = rewritten
            }
            if !isHeld {
                visit(index)
            } else if heldBy == nil {
                heldBy = index
            }
        }
        return Outcome(fate: .goes, event: current, heldBy: heldBy)
    }

    /// - Returns: nil if the result would be no event that anybody takes.
    private func rewrite(
        _ event: UnsafeRawBufferPointer, _ step: Step, _ scratch: RuleScratch, _ count: RuleCount?
    ) -> UnsafeRawBufferPointer? {
        var current = event
        var isChanged = false
        if let sample = step.sample, sample.rate < 1 {
            let before = BSONView(prefixOf: current)?.first(EventKey.rate)?.number ?? 1
            let setter = FieldSetter(path: ["rate"], value: .double(before * sample.rate))
            let buffer = scratch.other(than: current)
            guard case .written = setter.rewrite(current, into: buffer), !buffer.isOverfull else {
                return nil
            }
            current = buffer.bytes
            isChanged = true
        }
        if !step.redactor.isEmpty {
            let buffer = scratch.other(than: current)
            let outcome = step.redactor.rewrite(current, into: buffer, states: &scratch.states)
            guard !outcome.isBroken, !buffer.isOverfull else { return nil }
            if outcome.count > 0 {
                current = buffer.bytes
                isChanged = true
                count?.redacted.wrappingAdd(outcome.count, ordering: .relaxed)
            }
        }
        for setter in step.setters {
            let buffer = scratch.other(than: current)
            switch setter.rewrite(current, into: buffer) {
            case .written:
                guard !buffer.isOverfull else { return nil }
                current = buffer.bytes
                isChanged = true
            case .blocked: count?.blocked.wrappingAdd(1, ordering: .relaxed)
            case .broken: return nil
            }
        }
        guard isChanged else { return event }
        count?.rewritten.wrappingAdd(1, ordering: .relaxed)
        return EventCheck.check(current, into: &scratch.envelope) == nil ? current : nil
    }
}

extension RuleProgram.Step {
    fileprivate init(
        _ rules: [Rule], _ index: Int, _ compile: EventFilterCompiler?, _ hash: KeyedHash?,
        _ begins: [UInt64: HoldBeginning]
    ) {
        let rule = rules[index]
        self.rule = rule
        hold = rule.hold.map { RuleHold($0, rules[...index], begins: begins, compile: compile) }
        filter = rule.match.map { (try? compile?($0)) ?? NeverFilter() }
        sample = rule.rate.map {
            RuleSample(rate: $0, seed: rule.name ?? "\(index):\(rule.match ?? "")")
        }
        var parts: [(KeyPattern, FieldRedactor.Treatment)] = []
        func add(_ texts: [String], _ treatment: FieldRedactor.Treatment) {
            for text in texts {
                if let pattern = try? KeyPattern(text) { parts.append((pattern, treatment)) }
            }
        }
        add(rule.remove, .remove)
        for redaction in rule.redact {
            switch redaction.method {
            case .remove: add(redaction.keys, .remove)
            case .mask(let text): add(redaction.keys, .mask(Array(text.utf8)))
            case .hash: add(redaction.keys, hash.map { .hash($0) } ?? .mask(Array("***".utf8)))
            }
        }
        redactor = FieldRedactor(parts)
        setters = rule.add.map { FieldSetter(path: FieldPath.steps($0.path), value: $0.value) }
    }
}

/// Where a rule with a condition that cannot be compiled stands: it matches nothing.
struct NeverFilter: EventFilter {
    func matches(_ event: UnsafeRawBufferPointer, _ envelope: EventEnvelope) -> Bool { false }
}

/// Memory in which events are rewritten. One thread.
final class RuleScratch {
    var envelope = EventEnvelope()
    var states: [KeyPattern.State] = []
    private let buffers: [RewriteBuffer]

    init(maximumBytes: Int) {
        buffers = (0..<2).map { _ in RewriteBuffer(maximumBytes: maximumBytes) }
    }

    /// A buffer, emptied, that does not hold what is to be rewritten.
    func other(than event: UnsafeRawBufferPointer) -> RewriteBuffer {
        let isFirst = buffers[0].count > 0 && buffers[0].bytes.baseAddress == event.baseAddress
        let buffer = buffers[isFirst ? 1 : 0]
        buffer.removeAll()
        return buffer
    }

    func shrink() {
        for buffer in buffers { buffer.shrink() }
    }
}
