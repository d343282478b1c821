public import SkeinWire

/// W3C Trace Context's `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>` (https://www.w3.org/TR/trace-context/).
public struct TraceParent: Sendable, Hashable, CustomStringConvertible {
    /// The tree's trace id; not zero.
    public var trace: TraceID
    /// The sender's span id; not zero.
    public var span: UInt64
    /// The flag of bit 0: the sender records this tree.
    public var isSampled: Bool

    /// The ids as given; neither is checked.
    public init(trace: TraceID, span: UInt64, isSampled: Bool) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// Parses a header's value. Nil for anything malformed: wrong lengths, uppercase, all-zero ids, version `ff`, or version
    /// `00` with something behind it. A later version is read as far as `00` goes, as the standard asks.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 55, bytes.count <= 512, bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D
        else {
            return nil
        }
        let parsed: (UInt64, UInt64, UInt64, UInt64, UInt64)? = bytes.withUnsafeBytes { raw in
            func word(_ range: Range<Int>) -> UInt64? {
                Hex.parse(UnsafeRawBufferPointer(rebasing: raw[range]))
            }
            guard let version = word(0..<2), let high = word(3..<19), let low = word(19..<35),
                let span = word(36..<52), let flags = word(53..<55)
            else { return nil }
            return (version, high, low, span, flags)
        }
        guard let (version, high, low, span, flags) = parsed, version != 0xFF else { return nil }
        guard version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == 0x2D else { return nil }
        trace = TraceID(high: high, low: low)
        guard trace.isValid, span != 0 else { return nil }
        self.span = span
        isSampled = flags & 1 == 1
    }

    /// The header's value.
    public var description: String {
        "00-\(trace)-\(Hex.string(span))-\(isSampled ? "01" : "00")"
    }
}

/// W3C `tracestate`, of which Skein has one entry, `skein=r:<rate>`; all others pass through.
enum TraceState {
    /// The rate in our entry, and the other entries as they came (at most 512 bytes of them, whole entries).
    static func parse(_ text: String) -> (rate: Double?, others: String, isMalformed: Bool) {
        var rate: Double? = nil
        var others: [Substring] = []
        var length = 0
        var malformed = false
        for entry in text.split(separator: ",", maxSplits: 64).prefix(32) {
            let trimmed = entry.drop { $0 == " " || $0 == "\t" }
            guard let equals = trimmed.firstIndex(of: "="),
                trimmed.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
            else {
                malformed = true
                continue
            }
            if trimmed[..<equals] == "skein" {
                let value = trimmed[trimmed.index(after: equals)...]
                if value.hasPrefix("r:"), let number = Double(value.dropFirst(2)), number > 0, number <= 1 {
                    rate = number
                } else {
                    malformed = true
                }
            } else if length + trimmed.utf8.count + 1 <= 512 {
                others.append(trimmed)
                length += trimmed.utf8.count + 1
            }
        }
        return (rate, others.joined(separator: ","), malformed)
    }

    static func render(rate: Double, others: String) -> String? {
        let own = rate < 1 ? "skein=r:\(rate)" : ""
        if own.isEmpty { return others.isEmpty ? nil : others }
        return others.isEmpty ? own : own + "," + others
    }
}
