/// The items of a query, decoded, in order: `?q=tls+1.3&tag=a&tag=b`.
public struct HTTPQuery: Sendable, Hashable, Sequence {
    private var items: [Item] = []

    private struct Item: Sendable, Hashable {
        var name: String
        var value: String
    }

    init() {}

    /// Parses what stands behind the `?`. An item without `=` has an empty value; empty items are left out.
    /// Nil if one is wrongly encoded.
    init?(_ text: some Collection<UInt8>) {
        for piece in text.split(separator: UInt8(ascii: "&")) {
            let halves = piece.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(halves[0], plusIsSpace: true),
                let value = halves.count == 2 ? PercentCoding.decode(halves[1], plusIsSpace: true) : ""
            else { return nil }
            items.append(Item(name: name, value: value))
        }
    }

    /// Whether there is no item.
    public var isEmpty: Bool { items.isEmpty }
    /// How many items there are, repeated names included.
    public var count: Int { items.count }

    /// The first value of that name.
    public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// All values of that name, in order.
    public func values(of name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    public func makeIterator() -> AnyIterator<(name: String, value: String)> {
        var rest = items.makeIterator()
        return AnyIterator { rest.next().map { ($0.name, $0.value) } }
    }
}
