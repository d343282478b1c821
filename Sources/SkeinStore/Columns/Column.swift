/// A batch's columns: arrays of one value an event, as `Docs/Store.md` numbers them.
enum Column: Int64 {
    case number = 0
    case time = 1
    case duration = 2
    case type = 3
    case service = 4
    case host = 5
    case name = 6
    case level = 7
    case failed = 8
    case ids = 9
    case filter = 10

    static let noLevel = Int16.min

    /// The key of a batch's column in the table `segment`.
    func key(batch: Int64) -> Int64 { batch << 4 | rawValue }
}

/// What kinds of words there are; each has its own numbers in a batch.
enum WordKind: Int, CaseIterable {
    case type = 1
    case service = 2
    case host = 3
    case name = 4

    var column: Column {
        switch self {
        case .type: .type
        case .service: .service
        case .host: .host
        case .name: .name
        }
    }
}
