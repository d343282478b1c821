internal import SkeinPlatform
internal import SkeinWire

/// When a record was made and in which tree: what must be kept of it if it is to become an event later, or in another task.
///
/// It keeps the pipeline, not the context, whose object goes back to its pool meanwhile.
package final class RecordOrigin: @unchecked Sendable {
    // Sendable: immutable.
    let place: RecordPlace

    package init(_ place: RecordPlace) {
        self.place = place
        place.keepTree()
        place.keepPipeline()
    }

    deinit {
        place.releaseTree()
        place.releasePipeline()
    }

    /// Here and now.
    package static var current: RecordOrigin { RecordOrigin(.current) }

    /// In a context, whatever the task is in, and at a time in Unix seconds.
    package convenience init(in context: Context, at time: Double) {
        let place = RecordPlace.place(in: Unmanaged.passUnretained(context))
        self.init(RecordPlace(time: time, core: place.core, tree: place.tree))
    }

    /// Unix seconds.
    package var time: Double { place.time }
}

/// The same, without an object: plain words. They are good as long as the task is where it was; who keeps them longer keeps the tree and
/// the pipeline, each of which may be shared by several places.
package struct RecordPlace: @unchecked Sendable {
    // Sendable: immutable.

    /// A context as its records name it.
    struct Joint {
        let span: UInt64
        let descriptor: Unmanaged<TypeDescriptor>
    }

    struct Tree {
        let trace: TraceID
        let inherited: Unmanaged<Inherited>?
        let rate: Double
        let shard: Int
        let isSampled: Bool
        let current: Joint
        let outermost: Joint
    }

    /// Unix seconds.
    package let time: Double
    let core: Unmanaged<PipelineCore>?
    /// Nil if it was made in no context.
    let tree: Tree?

    /// Here and now. 20 to 30 ns.
    package static var current: RecordPlace {
        guard EventSystem.isActive else { return nowhere }
        let ahead = EventTime.readAhead()
        if let context = Context.surrounding(nil) { return place(in: context, read: ahead) }
        guard let core = EventSystem.pipelineForRoot?.live else { return nowhere }
        return RecordPlace(time: core.now().unix, core: core.pointee.owner, tree: nil)
    }

    /// Now, in a context that need not be the current one.
    @inline(__always)
    static func place(in context: Unmanaged<Context>, read ahead: UInt64 = 0) -> RecordPlace {
        let state = context.state
        guard let core = state.pointee.core?.live else { return nowhere }
        let outermost = Context.outermost(context).state
        return RecordPlace(
            time: state.pointee.isSampled ? core.now(after: state.began, read: ahead).unix : systemTime,
            core: core.pointee.owner,
            tree: Tree(
                trace: state.pointee.trace, inherited: state.pointee.inherited,
                rate: state.pointee.rate, shard: state.pointee.shard,
                isSampled: state.pointee.isSampled,
                current: Joint(span: state.pointee.span, descriptor: state.pointee.descriptor),
                outermost: Joint(
                    span: outermost.pointee.span, descriptor: outermost.pointee.descriptor)))
    }

    /// Whether two places are of one pipeline, so that what keeps it for one does for the other.
    @inline(__always)
    package func sharesPipeline(with other: RecordPlace) -> Bool {
        core?.toOpaque() == other.core?.toOpaque()
    }

    /// Keeps what a tree with a given id or baggage shares; most have neither.
    package func keepTree() { _ = tree?.inherited?.retain() }
    package func releaseTree() { tree?.inherited?.release() }

    package func keepPipeline() { _ = core?.retain() }
    package func releasePipeline() { core?.release() }

    /// The time of a record that is made now, by the clock of the pipeline that it would go to.
    package static var now: Double {
        guard EventSystem.isActive else { return systemTime }
        if let context = Context.surrounding(nil), context.state.pointee.isSampled,
            let core = context.state.pointee.core?.live
        {
            return core.now(after: context.state.began).unix
        }
        return EventSystem.pipelineForRoot?.live?.now().unix ?? systemTime
    }

    private static var nowhere: RecordPlace { RecordPlace(time: systemTime, core: nil, tree: nil) }

    private static var systemTime: Double { Double(SystemClock.wallNanoseconds()) * 1e-9 }
}
