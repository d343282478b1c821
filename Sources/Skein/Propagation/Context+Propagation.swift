internal import SkeinWire

/// What another process told of the tree it asks us to continue.
struct RemoteContext {
    var trace = TraceID(high: 0, low: 0)
    var span: UInt64 = 0
    var isSampled = true
    var rate = 1.0
    var givenID: String? = nil
    var baggage = Baggage()
    var traceState = ""

    /// The name under which a given id travels in baggage, beside the trace id derived from it.
    static let idMember = "skein.id"

    /// Reads a carrier. Nil where there is no valid `traceparent`; baggage alone begins a new tree that has it.
    static func extract(
        _ carrier: some PropagationCarrier, malformed: inout Bool
    ) -> (remote: RemoteContext, hasParent: Bool) {
        var remote = RemoteContext()
        var hasParent = false
        if let text = carrier.propagatedValue(for: "traceparent") {
            if let parent = TraceParent(text) {
                hasParent = true
                remote.trace = parent.trace
                remote.span = parent.span
                remote.isSampled = parent.isSampled
            } else {
                malformed = true
            }
        }
        if let text = carrier.propagatedValue(for: "baggage") {
            let (baggage, bad) = Baggage.parse(text)
            remote.baggage = baggage
            malformed = malformed || bad
            remote.givenID = baggage[idMember]
            remote.baggage[idMember] = nil
        }
        if hasParent, let text = carrier.propagatedValue(for: "tracestate") {
            let state = TraceState.parse(text)
            remote.rate = state.rate ?? 1
            remote.traceState = state.others
            malformed = malformed || state.isMalformed
        }
        return (remote, hasParent)
    }
}

extension Context {
    /// Opens a root here that continues what the carrier tells of; a new tree if it tells of none.
    @usableFromInline
    static func begin(
        _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling,
        pipeline: EventPipeline?
    ) -> Opened {
        begin(dynamic: type.description, continuing: carrier, sample: sample, pipeline: pipeline)
    }

    @usableFromInline
    static func begin(
        dynamic type: String, continuing carrier: some PropagationCarrier, sample: Sampling,
        keep: Keep? = nil, pipeline: EventPipeline?
    ) -> Opened {
        guard let core = (pipeline?.core.hot ?? EventSystem.pipelineForRoot)?.live else {
            return .nothing
        }
        var malformed = false
        let (remote, hasParent) = RemoteContext.extract(carrier, malformed: &malformed)
        if malformed { core.count(.malformedHeaders) }
        let descriptor = core.withOwner { rootDescriptor(of: type, $0) }
        let keep = keep ?? descriptor.keep
        if hasParent { return .new(root(core, descriptor, continuing: remote, sample, keep)) }
        let thread = ThreadState.current(core)
        if let keep {
            return .new(
                keptRoot(core, thread, descriptor, remote.givenID, sample, baggage: remote.baggage, keep))
        }
        return .new(root(core, thread, descriptor, remote.givenID, sample, baggage: remote.baggage))
    }

    /// Writes this context's ids into a carrier: `traceparent`, and `tracestate` and `baggage` where there is any.
    ///
    /// ```swift
    /// var headers: [String: String] = [:]
    /// Context.current?.inject(into: &headers)
    /// ```
    /// A context that is not sampled propagates its ids too, with the flag off. ``EventSystem`` not configured: nothing.
    public func inject(into carrier: inout some PropagationCarrier) {
        guard core != nil, state.pointee.trace.isValid else { return }
        let parent = TraceParent(
            trace: state.pointee.trace, span: state.pointee.span, isSampled: isSampled)
        carrier.setPropagatedValue(parent.description, for: "traceparent")
        let inherited = inheritedParts
        if let text = TraceState.render(rate: state.pointee.rate, others: inherited?.traceState ?? "") {
            carrier.setPropagatedValue(text, for: "tracestate")
        }
        guard let inherited else { return }
        var baggage = inherited.baggage
        if let given = inherited.givenID {
            baggage[RemoteContext.idMember] = String(decoding: given, as: UTF8.self)
        }
        if !baggage.isEmpty { carrier.setPropagatedValue(baggage.header, for: "baggage") }
    }

    /// Gives this context and the children that it will have a member of baggage; nil removes it. Children that are open
    /// keep theirs.
    public func setBaggage(_ name: String, _ value: String?) {
        guard core != nil else { return }
        let hold = state.acquire()
        defer { state.release(hold) }
        let old = inheritedParts
        var baggage = old?.baggage ?? Baggage()
        baggage[name] = value
        let made = Inherited(
            givenID: old?.givenID, isDerived: old?.isDerived ?? false, baggage: baggage,
            traceState: old?.traceState ?? "", keep: old?.keep, previous: old)
        state.pointee.inherited?.release()
        state.pointee.inherited = Unmanaged.passRetained(made)
    }
}
