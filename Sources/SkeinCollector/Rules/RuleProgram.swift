import SkeinBSON
import SkeinCrypto
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

    /// - Parameters:
    ///   - compile: makes filters; what fails here was found before, and matches nothing.
    ///   - hash: of values that are hidden by their hash; without it they are masked.
    init(_ rules: [Rule], compile: EventFilterCompiler?, hash: KeyedHash?, maximumBytes: Int) {
        steps = rules.enumerated().map { index, rule in
            Step(rule, index, compile, hash)
        }
        isForAll = !rules.contains { !$0.to.isEmpty }
        self.maximumBytes = min(maximumBytes, EventCheck.maximumBytes)
    }

    /// Applies the rules to one event.
    /// - Parameters:
    ///   - visit: called with each rule that matches and does not end the event, and the event as it is then.
    /// - Returns: what became of it, and its bytes: those that came, or others, lent until the next call with the scratch.
    func run(
        _ event: UnsafeRawBufferPointer, _ scratch: RuleScratch, counts: [RuleCount]?,
        visit: (Int, UnsafeRawBufferPointer) -> Void
    ) -> (fate: Fate, event: UnsafeRawBufferPointer) {
        var current = event
        guard EventCheck.check(current, into: &scratch.envelope) == nil else {
            return (.broken(rule: nil), event)
        }
        for index in steps.indices {
            let step = steps[index]
            if let filter = step.filter, !filter.matches(current, scratch.envelope) { continue }
            let count = counts?[index]
            count?.matched.wrappingAdd(1, ordering: .relaxed)
            if step.rule.isDropping {
                count?.dropped.wrappingAdd(1, ordering: .relaxed)
                return (.dropped(rule: index), current)
            }
            if let sample = step.sample, !sample.keeps(current, scratch.envelope) {
                count?.sampledOut.wrappingAdd(1, ordering: .relaxed)
                return (.sampledOut(rule: index), current)
            }
            if step.rule.isRewriting {
                guard let rewritten = rewrite(current, step, scratch, count) else {
                    count?.tooLarge.wrappingAdd(1, ordering: .relaxed)
                    return (.broken(rule: index), current)
                }
                current = rewritten
            }
            visit(index, current)
        }
        return (.goes, current)
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
    fileprivate init(_ rule: Rule, _ index: Int, _ compile: EventFilterCompiler?, _ hash: KeyedHash?) {
        self.rule = rule
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
private struct NeverFilter: EventFilter {
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
