public import SkeinJournal

// The shape that Skein's ShippingRecorder is written against; the shipper itself replaces this file.

public struct ShippingError: Error {}

public struct Endpoint: Sendable {
    public init(_ text: String) throws(ShippingError) {}
}

public final class Shipper: Sendable {
    public struct Configuration: Sendable {
        public init(endpoint: Endpoint, service: String, host: String, pid: Int32) {}
    }

    public init(
        journal: MappedJournal, configuration: Configuration, onWarning: @escaping @Sendable (String) -> Void
    ) throws(ShippingError) {}

    /// Blocks the calling thread, at most for the time given.
    public func flush(timeout: Duration) -> Bool { false }

    /// Blocks the calling thread, at most for the time given; then the journal is closed.
    @discardableResult
    public func shutdown(timeout: Duration) -> Bool { false }

    /// After each append: one relaxed load while the shipper is awake.
    public func notify() {}

    public struct Statistics: Sendable {
        public var acknowledged: UInt64 = 0
        /// By reason, `invalid` for one.
        public var dropped: [String: UInt64] = [:]
        public var isConnected = false
    }

    public var statistics: Statistics { Statistics() }
}
