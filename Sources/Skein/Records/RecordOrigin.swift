internal import SkeinPlatform
internal import SkeinWire

/// When a record was made and in which tree: what must be kept of it if it is to become an event later, or in another task.
///
/// It keeps the pipeline, not the context, whose object goes back to its pool meanwhile.
package struct RecordOrigin: @unchecked Sendable {
    // Sendable: immutable; the descriptors live as long as the pipeline, which is kept.

    /// A context as its records name it.
    struct Joint {
        let span: UInt64
        let descriptor: Unmanaged<TypeDescriptor>
    }

    struct Tree {
        let trace: TraceID
        let inherited: Inherited?
        let rate: Double
        let shard: Int
        let isSampled: Bool
        let current: Joint
        let outermost: Joint
    }

    /// Unix seconds.
    package let time: Double
    let core: PipelineCore?
    /// Nil if it was made in no context.
    let tree: Tree?

    /// Here and now. 30 to 60 ns.
    package static var current: RecordOrigin {
        guard EventSystem.isAnyActive else { return RecordOrigin(time: systemTime, core: nil, tree: nil) }
        if let context = Context.surrounding(nil) {
            let state = context.state
            guard let core = state.pointee.core?.live else {
                return RecordOrigin(time: systemTime, core: nil, tree: nil)
            }
            let outermost = Context.outermost(context).state
            return RecordOrigin(
                time: state.pointee.isSampled ? core.now(after: state.began).unix : systemTime,
                core: core.withOwner { $0 },
                tree: Tree(
                    trace: state.pointee.trace,
                    inherited: state.pointee.inherited?._withUnsafeGuaranteedRef { $0 },
                    rate: state.pointee.rate, shard: state.pointee.shard,
                    isSampled: state.pointee.isSampled,
                    current: Joint(span: state.pointee.span, descriptor: state.pointee.descriptor),
                    outermost: Joint(
                        span: outermost.pointee.span, descriptor: outermost.pointee.descriptor)))
        }
        guard let core = EventSystem.pipelineForRoot?.live else {
            return RecordOrigin(time: systemTime, core: nil, tree: nil)
        }
        return RecordOrigin(time: core.now().unix, core: core.withOwner { $0 }, tree: nil)
    }

    /// The same place at another time, in Unix seconds.
    package func at(_ time: Double) -> RecordOrigin {
        RecordOrigin(time: time, core: core, tree: tree)
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

    private static var systemTime: Double { Double(SystemClock.wallNanoseconds()) * 1e-9 }
}
