/// How long, and how much, a store keeps.
public struct StoreRetention: Sendable, Hashable {
    /// Events that arrived longer ago go; nil: whatever their age.
    public var age: Duration?
    /// When the file's pages in use take more, the oldest go; nil: as much as the disk has.
    public var bytes: Int64?

    /// Everything, unless something is said.
    public init(age: Duration? = nil, bytes: Int64? = nil) {
        self.age = age
        self.bytes = bytes
    }
}
