import SkeinBSON
import SkeinWire

/// What the columns keep of one event, found in one walk over its top level (some 120 ns). The bytes are lent.
struct EventColumns {
    /// Microseconds since 1970: of `end`, else `start`, else of the arrival.
    var time: Int64
    /// Microseconds, -1 without `start` and `end`.
    var duration: Int64 = -1
    var level = Column.noLevel
    var hasFailed = false
    var words: (type: Word, service: Word, host: Word, name: Word) = (.init(), .init(), .init(), .init())
    var idHash: UInt64 = 0
    /// The Unix time that a trace id begins with; nil for any other id.
    var idTime: UInt32?

    struct Word {
        var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// - Parameter arrival: Unix nanoseconds.
    init(_ document: BSONView, arrival: Int64) {
        var start: Double?
        var end: Double?
        var id: BSONElement?
        var trace: BSONElement?
        var body: BSONElement?
        var elements = document.makeElements()
        while let element = elements.nextIfValid() {
            switch element.key.count {
            case 2 where element.hasKey("id"): id = id ?? element
            case 3 where element.hasKey("end"): end = end ?? Self.seconds(element)
            case 4 where element.hasKey("type"): Self.set(&words.type, element)
            case 4 where element.hasKey("host"): Self.set(&words.host, element)
            case 4 where element.hasKey("body"): body = body ?? element
            case 5 where element.hasKey("start"): start = start ?? Self.seconds(element)
            case 5 where element.hasKey("trace"): trace = trace ?? element
            case 5 where element.hasKey("error"): hasFailed = element.type == .document
            case 5 where element.hasKey("level"):
                if let number = element.integer { level = max(-32_767, Int16(clamping: number)) }
            case 7 where element.hasKey("service"): Self.set(&words.service, element)
            default: break
            }
        }
        if level != Column.noLevel, let name = body?.document?.first("name") { Self.set(&words.name, name) }
        time = (end ?? start).flatMap(Self.microseconds) ?? arrival / 1000
        if let start, let end, let elapsed = Self.microseconds(end - start) { duration = max(0, elapsed) }
        (idHash, idTime) = Self.identity(id: id, trace: trace)
    }

    private static func set(_ word: inout Word, _ element: BSONElement) {
        if word.bytes.baseAddress == nil, let text = element.textBytes() { word.bytes = text }
    }

    private static func seconds(_ element: BSONElement) -> Double? {
        let seconds = element.number ?? element.datetime.map { Double($0) / 1000 }
        return seconds.flatMap { $0.isFinite ? $0 : nil }
    }

    private static func microseconds(_ seconds: Double) -> Int64? {
        // Beyond some 280,000 years it is no time.
        abs(seconds) < 9e12 ? Int64((seconds * 1e6).rounded()) : nil
    }

    /// The hash of what names the event's tree, and the time it begins with.
    private static func identity(id: BSONElement?, trace: BSONElement?) -> (UInt64, UInt32?) {
        if let text = trace?.textBytes(), let found = traceID(text) { return (hash(found), nil) }
        guard let id else { return (0, nil) }
        if let text = id.textBytes() {
            if let found = traceID(text) {
                return (hash(found), UInt32(truncatingIfNeeded: found.high >> 32))
            }
            return (hash(TraceID(derivedFrom: text)), nil)
        }
        guard let number = id.integer else { return (0, nil) }
        return (hash(TraceID(derivedFrom: String(number).utf8)), nil)
    }

    private static func traceID(_ text: UnsafeRawBufferPointer) -> TraceID? {
        guard text.count == 32, let high = Hex.parse(UnsafeRawBufferPointer(rebasing: text[0..<16])),
            let low = Hex.parse(UnsafeRawBufferPointer(rebasing: text[16..<32])), high | low != 0
        else { return nil }
        return TraceID(high: high, low: low)
    }

    /// See `Docs/Store.md`, Schema.
    static func hash(_ id: TraceID) -> UInt64 {
        let word = (id.high ^ (id.low &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
        return word ^ (word >> 32)
    }

    /// The hash for an id as somebody writes it, and the time it begins with, if it is a trace id.
    static func identity(of id: String) -> (hash: UInt64, time: UInt32?) {
        if let trace = TraceID(hex: id) {
            return (hash(trace), UInt32(truncatingIfNeeded: trace.high >> 32))
        }
        return (hash(TraceID(derivedFrom: id.utf8)), nil)
    }
}
