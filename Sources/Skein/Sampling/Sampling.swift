internal import SkeinPlatform

/// Which share of a type's contexts is recorded, and who decides.
///
/// ```swift
/// withContext("request", sample: .rate(0.1)) { _ in }                    // one request in ten, for itself
/// withContext(".memcache", sample: .ancestor("..", rate: 0.25)) { _ in } // in a quarter of the parents: all or none
/// ```
///
/// A context that is not sampled costs little, silences its whole subtree, and still propagates its ids (with the flag
/// off). The event's `rate` is the product of the rates along its path, so that counts can be weighed by 1/rate.
@frozen
public struct Sampling: Sendable, BitwiseCopyable {
    // Of plain words, so that the default argument costs nothing at the calls that record nothing.
    @usableFromInline let rate: Double
    /// Who decides: a name of `nameBytes` bytes that lives for ever; nil: the context itself.
    @usableFromInline nonisolated(unsafe) let name: UnsafePointer<UInt8>?  // constant, and never freed
    @usableFromInline let nameBytes: Int
    /// Nobody is asked.
    @usableFromInline let isAlways: Bool

    @inlinable @inline(__always)
    init(isAlways: Bool = false, rate: Double, name: UnsafePointer<UInt8>? = nil, nameBytes: Int = 0) {
        self.isAlways = isAlways
        self.rate = rate
        self.name = name
        self.nameBytes = nameBytes
    }

    /// Records every context. The default.
    @inlinable @inline(__always)
    public static var always: Sampling { Sampling(isAlways: true, rate: 1) }

    /// Records no context of this tree or subtree.
    @inlinable @inline(__always)
    public static var never: Sampling { Sampling(rate: 0) }

    /// The context decides for itself. A root is sampled by its trace id, so all services agree.
    /// - Parameter rate: the share, clamped to 0 … 1; NaN counts as 0.
    @inlinable @inline(__always)
    public static func rate(_ rate: Double) -> Sampling {
        Sampling(rate: clamp(rate))
    }

    /// An open context decides, once for each type of child: all children of this type in it, or none.
    /// - Parameters:
    ///   - name: `".."` the parent, `"^"` the outermost, `"."` or the context's own type itself, else the full type of an
    ///     open context. An unknown one: the context itself, and `unknownAncestors` is counted.
    ///   - rate: the share, clamped to 0 … 1; NaN counts as 0.
    @inlinable @inline(__always)
    public static func ancestor(_ name: StaticString, rate: Double) -> Sampling {
        guard name.hasPointerRepresentation else { return ancestor(dynamic: name.description, rate: rate) }
        return Sampling(rate: clamp(rate), name: name.utf8Start, nameBytes: name.utf8CodeUnitCount)
    }

    /// As ``ancestor(_:rate:)``, with a name that is computed: a look-up slower. The process keeps the first 4,096 different
    /// ones for ever; with a further one the context decides for itself.
    public static func ancestor(dynamic name: String, rate: Double) -> Sampling {
        guard let (bytes, count) = ComputedNames.kept(name) else { return .rate(rate) }
        return Sampling(rate: clamp(rate), name: bytes, nameBytes: count)
    }

    @inlinable @inline(__always)
    static func clamp(_ rate: Double) -> Double {
        rate >= 1 ? 1 : rate > 0 ? rate : 0
    }

    var ancestorName: String? {
        name.map { String(decoding: UnsafeBufferPointer(start: $0, count: nameBytes), as: UTF8.self) }
    }
}

/// Names that were computed, each kept once for the life of the process.
private enum ComputedNames {
    private static let maximum = 4_096
    private static let names = Monitor<[String: UnsafeMutableBufferPointer<UInt8>]>([:])

    static func kept(_ name: String) -> (UnsafePointer<UInt8>, Int)? {
        names.withLock { names in
            if let known = names[name], let base = known.baseAddress {
                return (UnsafePointer(base), name.utf8.count)
            }
            guard names.count < maximum else { return nil }
            let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, name.utf8.count))
            _ = bytes.initialize(from: name.utf8)
            names[name] = bytes
            return bytes.baseAddress.map { (UnsafePointer($0), name.utf8.count) }
        }
    }
}
