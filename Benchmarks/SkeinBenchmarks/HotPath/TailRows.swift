import Skein
import SkeinPlatform

/// How long closing a context takes at worst, while the shipper runs at full load on the other core.
enum TailRows {
    static func rows(closings: Int = 4_000_000) throws -> [Row] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let pipeline = try EventPipeline(
            .init(endpoint: "file:///dev/null", service: "checkout", spool: folder.path))
        var histogram = Histogram()
        measure(closings / 10, pipeline, &histogram)
        histogram = Histogram()
        measure(closings, pipeline, &histogram)
        Loops.inTask { await pipeline.shutdown() }
        let middle = histogram.quantile(0.5)
        return [
            Row(
                name: "closing, 99.9th percentile", ours: histogram.quantile(0.999),
                peer: ("the median", middle), goal: .ratioAtMost(20)),
            Row(
                name: "closing, 99.99th percentile", ours: histogram.quantile(0.9999) / 1000,
                unit: .microseconds),
            Row(name: "closing, the longest", ours: histogram.longest / 1000, unit: .microseconds),
        ] + histogram.rows
    }

    @inline(never)
    private static func measure(_ count: Int, _ pipeline: EventPipeline, _ histogram: inout Histogram) {
        for n in 0..<count {
            let context = Context.open("request", pipeline: pipeline)
            Loops.fill(context, n)
            let start = SystemClock.monotonicNanoseconds()
            context.finish()
            histogram.add(SystemClock.monotonicNanoseconds() - start)
        }
    }
}

/// Durations in buckets of a sixteenth of a power of two, so that a quantile is right to 6 %.
struct Histogram {
    private var buckets = [Int](repeating: 0, count: 64 * 16)
    private(set) var count = 0
    private(set) var longest = 0.0

    mutating func add(_ nanoseconds: Int64) {
        let value = UInt64(max(16, nanoseconds))
        let power = 63 - value.leadingZeroBitCount
        buckets[power * 16 + Int(value >> UInt64(power - 4)) & 15] += 1
        count += 1
        longest = max(longest, Double(nanoseconds))
    }

    /// The upper border of the bucket in which the quantile lies, nanoseconds.
    func quantile(_ share: Double) -> Double {
        let rank = Int((Double(count) * share).rounded(.up))
        var seen = 0
        for (index, amount) in buckets.enumerated() where amount > 0 {
            seen += amount
            if seen >= rank { return Double(17 + index % 16) * Double(UInt64(1) << UInt64(index / 16)) / 16 }
        }
        return longest
    }

    /// How many took how long: a row for each power of ten.
    var rows: [Row] {
        [(0, 1_000), (1_000, 10_000), (10_000, 100_000), (100_000, 1_000_000), (1_000_000, Int64.max)].map {
            from, to in
            let amount = buckets.enumerated().reduce(0) { sum, bucket in
                let (index, amount) = bucket
                guard amount > 0 else { return sum }
                let lower = Double(16 + index % 16) * Double(UInt64(1) << UInt64(index / 16)) / 16
                return lower >= Double(from) && lower < Double(to) ? sum + amount : sum
            }
            let name =
                to == .max
                ? "  closings of 1 ms and more" : "  closings of \(from / 1000) to \(to / 1000) µs"
            return Row(name: name, ours: Double(amount), unit: .count)
        }
    }
}
