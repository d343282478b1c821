/// Why a collector does not go on with a stream. A word on the wire, so that new ones can come.
public struct RefuseReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The word on the wire.
    public let rawValue: String

    /// A reason by its word on the wire, known or not.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// No room: wait, then send again from what was acknowledged.
    public static let full = Self(rawValue: "full")
    /// One record was put aside; an acknowledgement goes past it.
    public static let invalid = Self(rawValue: "invalid")
    /// A batch began beyond what the collector holds.
    public static let gap = Self(rawValue: "gap")
    /// This producer may not deliver here.
    public static let unauthorised = Self(rawValue: "unauthorised")
    /// The collector is among those behind the sender.
    public static let loop = Self(rawValue: "loop")
    /// Another version of the protocol.
    public static let version = Self(rawValue: "version")
    /// A message that the protocol does not have, or not there.
    public static let protocolError = Self(rawValue: "protocol")
    /// The collector does not know the stream: it was forgotten, or there was no HELLO on this connection.
    public static let unknownStream = Self(rawValue: "unknown stream")

    public var description: String { rawValue }
}
