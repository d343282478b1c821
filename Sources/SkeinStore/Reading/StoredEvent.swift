public import SkeinBSON

/// An event as the store has it.
public struct StoredEvent: Sendable, Hashable {
    /// Its key.
    public let number: Int64
    /// µs since 1970: its `end`, else its `start`, else when it arrived.
    public let time: Int64
    /// Its document.
    public let bytes: [UInt8]

    /// Lends the document.
    public func withView<Result>(_ body: (BSONView) throws -> Result) rethrows -> Result? {
        try bytes.withUnsafeBytes { try BSONView(prefixOf: $0).map(body) }
    }

    /// Where an answer goes on after this event.
    public var place: StoreQuery.Place { .init(time: time, number: number) }
}
