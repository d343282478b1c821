import SkeinBSON
import SkeinFilter

/// Conditions over events of some 300 bytes, as an outlet's thread asks them.
enum FilterRows {
    /// An event of 300 bytes in the SDK's order of keys.
    static func event(status: Int32, number: Int = 0) -> BSONDocument {
        [
            "id": "6b0067af9c1d7e2243b0a1f25dd0e1c3", "type": "request", "host": "web1.example",
            "pid": .int32(4711),
            "start": .double(1_795_168_800.25 + Double(number) * 0.001),
            "end": .double(1_795_168_800.35 + Double(number) * 0.001),
            "body": [
                "method": "GET", "path": .string("/search/of/things?page=\(100_000 + number % 900_000)"),
                "user": .int64(Int64(number)),
                "response": ["status": .int32(status), "bytes": .int64(18_233)],
                "request_time": .double(0.0923),
            ],
            "span": "00f067aa0ba902b7", "service": "storefront",
        ]
    }

    static func rows(_ measurement: Measurement) throws -> [Row] {
        var measurement = measurement
        measurement.iterations = 500_000
        // What most events get, and what few do.
        let events = [event(status: 200), event(status: 200), event(status: 200), event(status: 503)]
        let filters = [
            ("response.status >= 500 and type ~ \"req*\"", 3_000_000.0), ("level >= 40", nil),
            ("type = \"request\" and elapsed > 250ms", nil), ("path =~ \"page=\\d+$\"", nil),
        ]
        let loops = try filters.map { text, _ in
            let filter = try EventFilter(text)
            return { (count: Int) in loop(filter, events, count) }
        }
        return zip(filters, measurement.nanoseconds(loops)).map { filter, nanoseconds in
            Row(
                name: filter.0, ours: 1e9 / nanoseconds, unit: .eventsPerSecond,
                goal: filter.1.map { .atLeast($0) } ?? .none)
        }
    }

    @inline(never)
    private static func loop(_ filter: EventFilter, _ events: [BSONDocument], _ count: Int) -> Int64 {
        let bytes = events.flatMap(\.bytes)
        return bytes.withUnsafeBytes { bytes in
            var views: [BSONView] = []
            var offset = 0
            while let view = BSONView(prefixOf: UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
                views.append(view)
                offset += view.bytes.count
            }
            var held = 0
            let time = Measurement.threadTime {
                for index in 0..<count where filter.matches(views[index & 3]) { held += 1 }
            }
            return held < 0 ? 0 : time
        }
    }
}
