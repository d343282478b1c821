import SkeinBSON

/// What became of the events that an outlet read. They balance:
/// `read = delivered + notRouted + rejected + dropped + in flight`.
struct OutletCounters: Equatable {
    var read: UInt64 = 0
    var delivered: UInt64 = 0
    var notRouted: UInt64 = 0
    var rejected: UInt64 = 0
    /// By reason.
    var dropped: [String: UInt64] = [:]

    init() {}

    /// Read, and none of the others yet.
    var inFlight: UInt64 {
        read &- delivered &- notRouted &- rejected &- dropped.values.reduce(0, &+)
    }

    var document: BSONDocument {
        var reasons = BSONDocument()
        for (reason, count) in dropped.sorted(by: { $0.key < $1.key }) {
            reasons.append(reason, .int64(Int64(bitPattern: count)))
        }
        return [
            "read": .int64(Int64(bitPattern: read)), "delivered": .int64(Int64(bitPattern: delivered)),
            "not_routed": .int64(Int64(bitPattern: notRouted)),
            "rejected": .int64(Int64(bitPattern: rejected)),
            "dropped": .document(reasons),
        ]
    }

    init(_ document: BSONDocument) {
        func count(_ value: BSONValue?) -> UInt64 { UInt64(clamping: value?.intValue ?? 0) }
        read = count(document["read"])
        delivered = count(document["delivered"])
        notRouted = count(document["not_routed"])
        rejected = count(document["rejected"])
        for (reason, value) in document["dropped"]?.documentValue ?? [:] { dropped[reason] = count(value) }
    }
}
