internal import SkeinPlatform
internal import SkeinWire

/// When a record was made and in which tree: what must be kept of it if it is to become an event later, or in another task.
///
/// It keeps the pipeline, not the context, whose object goes back to its pool meanwhile.
package final class RecordOrigin: @unchecked Sendable {
    // Sendable: immutable.
    let place: RecordPlace

    /// Takes over a place, which must not be released then.
    package init(_ place: RecordPlace) { self.place = place }

    deinit { place.release() }

    /// Here and now.
    package static var current: RecordOrigin { RecordOrigin(.capture()) }

    /// The same place at another time, in Unix seconds.
    package func at(_ time: Double) -> RecordOrigin {
        place.retain()
        return RecordOrigin(RecordPlace(time: time, core: place.core, tree: place.tree))
    }

    /// Unix seconds.
    package var time: Double { place.time }
}

/// The same, without an object: plain words, which who captures them must ``release()`` once, or give to a ``RecordOrigin``.
package struct RecordPlace: @unchecked Sendable {
    // Sendable: immutable; what it points to is kept by it, or by the pipeline that is.

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

    /// Here and now. 20 to 40 ns.
    package static func capture() -> RecordPlace {
        guard EventSystem.isAnyActive else { return nowhere }
        if let context = Context.surrounding(nil) {
            let state = context.state
            guard let core = state.pointee.core?.live else { return nowhere }
            let outermost = Context.outermost(context).state
            return RecordPlace(
                time: state.pointee.isSampled ? core.now(after: state.began).unix : systemTime,
                core: core.pointee.owner.retain(),
                tree: Tree(
                    trace: state.pointee.trace, inherited: state.pointee.inherited?.retain(),
                    rate: state.pointee.rate, shard: state.pointee.shard,
                    isSampled: state.pointee.isSampled,
                    current: Joint(span: state.pointee.span, descriptor: state.pointee.descriptor),
                    outermost: Joint(
                        span: outermost.pointee.span, descriptor: outermost.pointee.descriptor)))
        }
        guard let core = EventSystem.pipelineForRoot?.live else { return nowhere }
        return RecordPlace(time: core.now().unix, core: core.pointee.owner.retain(), tree: nil)
    }

    /// One more is to release it.
    package func retain() {
        _ = tree?.inherited?.retain()
        _ = core?.retain()
    }

    /// Lets go of the pipeline.
    package func release() {
        tree?.inherited?.release()
        core?.release()
    }

    /// The time of a record that is made now, by the clock of the pipeline that it would go to.
    package static var now: Double {
        guard EventSystem.isAnyActive else { return systemTime }
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
