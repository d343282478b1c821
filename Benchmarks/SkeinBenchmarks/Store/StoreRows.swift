import SkeinFilter
import SkeinPlatform
import SkeinStore

/// The store: one writer by itself, and questions over ten million events.
enum StoreRows {
    static func rows(events: Int = 10_000_000) throws -> [Row] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let path = folder.path + "/store.db"
        var made = StoreEvents(count: events)
        var ids: [String] = []
        var rate = 0.0
        var bytes: Int64 = 0
        do {
            let writer = try StoreWriter(path: path, journal: "benchmark")
            let start = SystemClock.monotonicNanoseconds()
            for index in 0..<events {
                let offset = UInt64(index) * 512
                try made.next { event throws in
                    try writer.append(
                        event, sequence: offset >> 29, offset: offset & (1 << 29 - 1), arrival: 0)
                }
                if index % (events / 100) == 0 { ids.append(String(decoding: made.id, as: UTF8.self)) }
                if index % 20_000 == 19_999 {
                    try writer.commit(
                        sequence: offset >> 29, offset: offset & (1 << 29 - 1),
                        isDurable: index % 200_000 == 199_999)
                }
            }
            try writer.commit(sequence: 1 << 20, offset: 0, isDurable: true)
            rate = Double(events) / (Double(SystemClock.monotonicNanoseconds() - start) / 1e9)
            bytes = writer.statistics.bytes
        }
        let reader = try StoreReader(path: path, timeLimit: .seconds(60))
        _ = try reader.events(StoreQuery())
        var tree: [Double] = []
        for id in ids { tree.append(try milliseconds { _ = try reader.tree(id) }) }
        var unknown: [Double] = []
        for index in 0..<20 { unknown.append(try milliseconds { _ = try reader.tree("order-\(index)") }) }
        var newest: [Double] = []
        var rare: [Double] = []
        var filtered: [Double] = []
        let filter = try EventFilter("response.status >= 500 and path ~ \"*page*\"")
        for type in StoreEvents.types {
            var query = StoreQuery()
            query.types = [.exact(type)]
            newest.append(try milliseconds { _ = try reader.events(query) })
            query.hasFailed = true
            query.minimumLevel = nil
            query.durations = 600_000 ... .max
            rare.append(try milliseconds { _ = try reader.events(query) })
            query = StoreQuery()
            query.filter = filter
            filtered.append(try milliseconds { _ = try reader.events(query) })
        }
        let hours = (0...24).map { StoreEvents.begin + Int64($0) * 3_600_000_000 }
        var timeline: [Double] = []
        var counts: [Double] = []
        for service in ["shop", "mail", "search", "shop", "mail"] {
            timeline.append(try milliseconds { _ = try reader.timeline(StoreQuery(), boundaries: hours) })
            var query = StoreQuery()
            query.services = [.exact(service)]
            query.minimumLevel = 30
            counts.append(try milliseconds { _ = try reader.count(query) })
        }
        return [
            Row(name: "store, one writer", ours: rate, unit: .eventsPerSecond, goal: .atLeast(300_000)),
            Row(name: "  bytes of the file an event", ours: Double(bytes) / Double(events), unit: .count),
            Row(
                name: "a tree by its id, of 10 million events", ours: median(tree), unit: .milliseconds,
                goal: .atMost(10)),
            Row(
                name: "  an id that is not there, nor begins with a time", ours: median(unknown),
                unit: .milliseconds),
            Row(
                name: "the newest 100 of a type", ours: median(newest), unit: .milliseconds, goal: .atMost(20)
            ),
            Row(name: "  that failed and took longer than 0.6 s", ours: median(rare), unit: .milliseconds),
            Row(
                name: "  the newest 100 that meet two terms of a filter", ours: median(filtered),
                unit: .milliseconds),
            Row(
                name: "a day's timeline, by the hour", ours: median(timeline), unit: .milliseconds,
                goal: .atMost(300)),
            Row(
                name: "how many, by service and level", ours: median(counts), unit: .milliseconds,
                goal: .atMost(500)),
        ]
    }

    private static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let start = SystemClock.monotonicNanoseconds()
        try body()
        return Double(SystemClock.monotonicNanoseconds() - start) / 1e6
    }
}
