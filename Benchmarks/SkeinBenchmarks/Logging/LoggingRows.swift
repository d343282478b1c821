import Skein
import SkeinLogging
import SkeinPlatform

/// What a log record costs: as an event, held back, and when nobody takes it.
enum LoggingRows {
    private static let logger = EventLogger("shop.cart", handler: ContextHandler())
    private static let processLogger = EventLogger("shop.cart")
    private static let quiet = EventLogger("shop.cart", level: .warning)
    private static let unheard = EventLogger("shop.cart", handler: NullHandler(level: .off))
    private static let burst = EventLogger("shop.cart", handler: BurstHandler(target: ContextHandler()))

    /// For an instruction counter.
    static let loops: [(name: String, run: @Sendable (Int) -> Int64)] = [
        ("a log record as an event", record), ("a log record with two values", recordWithData),
        ("a log record held back", held), ("a log record below the handler's level", off),
    ]

    /// Before any pipeline exists in the process: the handler is there, what it would record into is not.
    static func notConfigured(_ measurement: Measurement) -> [Row] {
        let figure = measurement.nanoseconds([disabled])[0]
        return [Row(name: "a log record, not configured", ours: figure, goal: .atMost(3))]
    }

    static func rows(_ measurement: Measurement) -> [Row] {
        let loops: [Measurement.Loop] = [
            event, record, eventWithData, recordWithData, recordOfProcess, held, heldWithData, below, off,
        ]
        let figures = measurement.nanoseconds(loops)
        let asContext = "a context with the same fields"
        return [
            Row(name: "a log record as an event", ours: figures[1], peer: (asContext, figures[0])),
            Row(name: "  more than its event", ours: figures[1] - figures[0], goal: .atMost(150)),
            Row(
                name: "a log record with two values", ours: figures[3],
                peer: ("\(asContext), set as literals", figures[2])),
            Row(name: "  more than its event", ours: figures[3] - figures[2], goal: .atMost(150)),
            Row(name: "a log record, through the process's handler", ours: figures[4]),
            Row(name: "a log record held back", ours: figures[5], goal: .atMost(100)),
            Row(name: "a log record held back, with two values", ours: figures[6]),
            Row(name: "a log record below the logger's level", ours: figures[7], goal: .atMost(3)),
            Row(name: "a log record below the handler's level", ours: figures[8], goal: .atMost(3)),
        ]
    }

    // MARK: Loops

    @inline(__always)
    private static func fill(_ context: Context) {
        context["name"] = "shop.cart"
        context["level"] = "INFO"
        context["msg"] = "put in cart"
        context["file"] = #filePath
        context["line"] = #line
        context["function"] = #function
        context["module"] = "SkeinBenchmarks"
        context["thread"] = "main"
    }

    @inline(never)
    private static func event(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for _ in 0..<count { withContext(".log") { fill($0) } }
            }
        }
    }

    @inline(never)
    private static func eventWithData(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for n in 0..<count {
                    withContext(".log") { context in
                        fill(context)
                        context["data.item"] = "tea"
                        context["data.count"] = n
                    }
                }
            }
        }
    }

    @inline(never)
    private static func record(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for _ in 0..<count { logger.info("put in cart") }
            }
        }
    }

    @inline(never)
    private static func recordWithData(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for n in 0..<count { logger.info("put in cart", ["item": "tea", "count": n]) }
            }
        }
    }

    @inline(never)
    private static func recordOfProcess(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for _ in 0..<count { processLogger.info("put in cart") }
            }
        }
    }

    @inline(never)
    private static func held(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for _ in 0..<count { burst.debug("asked the stock") }
            }
        }
    }

    @inline(never)
    private static func heldWithData(_ count: Int) -> Int64 {
        withContext("request") { _ in
            Measurement.threadTime {
                for n in 0..<count { burst.debug("asked the stock", ["item": "tea", "count": n]) }
            }
        }
    }

    @inline(never)
    private static func below(_ count: Int) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count { quiet.info("row \(n)", ["n": n]) }
        }
    }

    @inline(never)
    private static func off(_ count: Int) -> Int64 {
        Measurement.threadTime {
            for n in 0..<count { unheard.info("row \(n)", ["n": n]) }
        }
    }

    @inline(never)
    private static func disabled(_ count: Int) -> Int64 {
        let logger = processLogger
        return Measurement.threadTime {
            for n in 0..<count { logger.info("row \(n)", ["n": n]) }
        }
    }
}
