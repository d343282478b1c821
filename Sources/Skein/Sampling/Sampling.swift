/// Which share of a type's contexts is recorded, and who decides.
///
/// ```swift
/// withContext("request", sample: .rate(0.1)) { _ in }                    // one request in ten, for itself
/// withContext(".memcache", sample: .ancestor("..", rate: 0.25)) { _ in } // in a quarter of the parents: all or none
/// ```
///
/// A context that is not sampled costs little, silences its whole subtree, and still propagates its ids (with the flag
/// off). The event's `rate` is the product of the rates along its path, so that counts can be weighed by 1/rate.
public struct Sampling: Sendable {
    enum Decider: UInt8 {
        case always
        case itself
        case ancestor
        case computedAncestor
    }

    let decider: Decider
    let rate: Double
    private let literalName: StaticString
    private let computedName: String

    private init(decider: Decider, rate: Double, name: StaticString = "", computed: String = "") {
        self.decider = decider
        self.rate = rate
        literalName = name
        computedName = computed
    }

    /// Records every context. The default.
    public static let always = Sampling(decider: .always, rate: 1)
    /// Records no context of this tree or subtree.
    public static let never = Sampling(decider: .itself, rate: 0)

    /// The context decides for itself. A root is sampled by its trace id, so all services agree.
    /// - Parameter rate: the share, clamped to 0 … 1; NaN counts as 0.
    public static func rate(_ rate: Double) -> Sampling {
        Sampling(decider: .itself, rate: clamp(rate))
    }

    /// An open context decides, once for each type of child: all children of this type in it, or none.
    /// - Parameters:
    ///   - name: `".."` the parent, `"^"` the outermost, `"."` or the context's own type itself, else the full type of an
    ///     open context. An unknown one: the context itself, and `unknownAncestors` is counted.
    ///   - rate: the share, clamped to 0 … 1; NaN counts as 0.
    public static func ancestor(_ name: StaticString, rate: Double) -> Sampling {
        Sampling(decider: .ancestor, rate: clamp(rate), name: name)
    }

    /// As ``ancestor(_:rate:)``, with a name that is computed.
    public static func ancestor(dynamic name: String, rate: Double) -> Sampling {
        Sampling(decider: .computedAncestor, rate: clamp(rate), computed: name)
    }

    private static func clamp(_ rate: Double) -> Double {
        rate >= 1 ? 1 : rate > 0 ? rate : 0
    }

    @inline(__always)
    var isAlways: Bool { decider == .always }

    var ancestorName: String? {
        switch decider {
        case .always, .itself: nil
        case .ancestor: literalName.description
        case .computedAncestor: computedName
        }
    }
}
