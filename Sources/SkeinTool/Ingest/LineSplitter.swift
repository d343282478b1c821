import SkeinPlatform

/// Cuts a stream of bytes into lines, each bounded. One thread.
struct LineSplitter {
    /// A line, lent for the call.
    struct Line {
        /// Without its end (`\n` or `\r\n`), and without what goes beyond the limit.
        var bytes: UnsafeRawBufferPointer
        /// Bytes of the stream that it takes, its end included.
        var consumed: Int
        /// Its own bytes, those beyond the limit included.
        var length: Int
    }

    /// The longest line that is kept whole.
    static let mostBytes = 64 << 10

    private var pending: [UInt8] = []
    /// Bytes of the line so far, those beyond the limit included.
    private var length = 0

    /// Bytes of a line that has not ended.
    var pendingBytes: Int { length }

    mutating func append(
        _ bytes: UnsafeRawBufferPointer, _ body: (Line) throws(ToolFailure) -> Void
    ) throws(ToolFailure) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            guard let end = memchr(base, 10, rest.count) else {
                keep(rest)
                return
            }
            let count = base.distance(to: UnsafeRawPointer(end))
            let part = UnsafeRawBufferPointer(rebasing: rest[..<count])
            if length == 0, count <= Self.mostBytes {
                try body(Line(bytes: Self.trimmed(part), consumed: count + 1, length: count))
            } else {
                keep(part)
                try finish(consumed: length + 1, body)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[(count + 1)...])
        }
    }

    /// The stream has ended: what has no end is a line, too.
    mutating func finish(_ body: (Line) throws(ToolFailure) -> Void) throws(ToolFailure) {
        if length > 0 { try finish(consumed: length, body) }
    }

    private mutating func finish(
        consumed: Int, _ body: (Line) throws(ToolFailure) -> Void
    ) throws(ToolFailure) {
        let length = length
        self.length = 0
        let line = pending
        pending.removeAll(keepingCapacity: true)
        try line.withUnsafeBufferPointer { buffer throws(ToolFailure) in
            let bytes = UnsafeRawBufferPointer(buffer)
            try body(
                Line(
                    bytes: length == bytes.count ? Self.trimmed(bytes) : bytes, consumed: consumed,
                    length: length))
        }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        pending.append(contentsOf: bytes.prefix(Self.mostBytes - pending.count))
        length += bytes.count
    }

    private static func trimmed(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        line.last == 13 ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
    }
}
