/// Finds the first events of an order without looking at all: batches in the order of their times, until nothing that is
/// left can come before what was found.
struct EventSearch {
    private let reader: StoreReader
    private let query: StoreQuery
    private let isNewestFirst: Bool
    private var found: [StoredEvent] = []

    init(_ reader: StoreReader, _ query: StoreQuery) {
        self.reader = reader
        self.query = query
        isNewestFirst = query.order == .newestFirst
    }

    consuming func run() throws -> [StoredEvent] {
        guard query.limit > 0 else { return [] }
        let words = reader.allowed(query)
        var batches = reader.batches
        if isNewestFirst {
            batches.sort { ($0.times.upperBound, $0.last) > ($1.times.upperBound, $1.last) }
        } else {
            batches.sort { ($0.times.lowerBound, $0.first) < ($1.times.lowerBound, $1.first) }
        }
        for batch in batches {
            if let worst = found.last, found.count >= query.limit, !canBeat(worst, batch) { break }
            try reader.checkTime()
            try search(batch, words)
        }
        return found
    }

    private func canBeat(_ worst: StoredEvent, _ batch: BatchView) -> Bool {
        isNewestFirst ? batch.times.upperBound >= worst.time : batch.times.lowerBound <= worst.time
    }

    /// Merges the first events of a batch into what was found.
    private mutating func search(_ batch: BatchView, _ words: BatchMask.Words) throws {
        guard let mask = try BatchMask(query, words, batch, reader.columns) else { return }
        let times = try reader.columns.times(batch)
        let numbers = try reader.columns.numbers(batch)
        var places: [StoreQuery.Place] = []
        for index in 0..<batch.count where mask.bytes[index] == 1 {
            let place = StoreQuery.Place(time: times[index], number: numbers[index])
            guard query.isAfter(place) else { continue }
            if let worst = found.last, found.count >= query.limit, !comesBefore(place, worst.place) {
                continue
            }
            places.append(place)
        }
        places.sort(by: comesBefore)
        var accepted = 0
        for place in places {
            guard accepted < query.limit else { break }
            if let worst = found.last, found.count >= query.limit, !comesBefore(place, worst.place) { break }
            guard let bytes = try reader.meets(place.number, query) else { continue }
            insert(StoredEvent(number: place.number, time: place.time, bytes: bytes))
            accepted += 1
        }
    }

    private func comesBefore(_ one: StoreQuery.Place, _ other: StoreQuery.Place) -> Bool {
        isNewestFirst
            ? (one.time, one.number) > (other.time, other.number)
            : (one.time, one.number) < (other.time, other.number)
    }

    private mutating func insert(_ event: StoredEvent) {
        var low = 0
        var high = found.count
        while low < high {
            let middle = (low + high) / 2
            if comesBefore(found[middle].place, event.place) { low = middle + 1 } else { high = middle }
        }
        found.insert(event, at: low)
        if found.count > query.limit { found.removeLast() }
    }
}
