import SkeinBSON

/// What became of the events of one hold. They balance: `held = let_go + expired + pushed_out + removed + holding`.
struct HoldCounts: Equatable {
    var held: UInt64 = 0
    var letGo: UInt64 = 0
    var expired: UInt64 = 0
    var pushedOut: UInt64 = 0
    var removed: UInt64 = 0

    mutating func add(_ loss: HoldLoss, _ count: UInt64) {
        switch loss {
        case .expired: expired += count
        case .pushedOut: pushedOut += count
        case .removed: removed += count
        }
    }

    init() {}

    func adding(_ other: HoldCounts) -> HoldCounts {
        var sum = self
        sum.held += other.held
        sum.letGo += other.letGo
        sum.expired += other.expired
        sum.pushedOut += other.pushedOut
        sum.removed += other.removed
        return sum
    }

    init(_ document: BSONDocument) {
        func count(_ key: String) -> UInt64 { UInt64(clamping: document[key]?.intValue ?? 0) }
        held = count("held")
        letGo = count("let_go")
        expired = count("expired")
        pushedOut = count("pushed_out")
        removed = count("removed")
    }

    var document: BSONDocument {
        [
            "held": .int64(Int64(clamping: held)), "let_go": .int64(Int64(clamping: letGo)),
            "expired": .int64(Int64(clamping: expired)), "pushed_out": .int64(Int64(clamping: pushedOut)),
            "removed": .int64(Int64(clamping: removed)),
        ]
    }
}
