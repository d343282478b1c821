/// How large the parts of an event may be. What an app's pipeline cuts or drops to stay within them is counted,
/// and told in the event (`_trimmed`).
///
/// ```swift
/// var limits = EventLimits()
/// limits.valueBytes = 4_096
/// ```
public struct EventLimits: Sendable, Hashable {
    /// Bytes of one string or binary value, 16 to 16,777,216. Longer ones are cut at a character's border.
    public var valueBytes = 64 << 10
    /// Leaves of one event's body, 1 to 65,536. Later ones are dropped.
    public var fields = 1_024
    /// Depth of one event's body, 1 to 100. A deeper value is dropped.
    public var depth = 32
    /// Bytes of a whole dotted key, 1 to 4,096.
    public var keyBytes = 512
    /// Bytes of a whole event, 4,096 to 16,777,216. Later fields are dropped.
    public var eventBytes = 1 << 20

    /// The defaults.
    public init() {}

    /// The largest document a collector takes, in bytes: 16 MiB.
    public static let documentBytes = 16 << 20
    /// The longest type, in bytes of UTF-8.
    public static let typeBytes = 200
    /// The longest given id, in bytes of UTF-8.
    public static let idBytes = 224
}
