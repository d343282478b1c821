import SkeinBSON
import SkeinPlatform

/// The records on a processor host's standard input.
struct ProcessorInput {
    /// A record, in memory that stays until the next call.
    struct Event {
        var bytes: UnsafeRawBufferPointer
        var stream: String
        var number: UInt64
        var arrival: Int64
    }

    // As long as the process.
    private var bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    private var start = 0
    private var end = 0

    /// Waits for records.
    /// - Returns: those that are there, at least one; none at the end of the input.
    mutating func next(atMost count: Int) throws(ProcessorHost.Failure) -> [Event] {
        while true {
            var events: [Event] = []
            while events.count < count, let event = try nextWhole() { events.append(event) }
            if !events.isEmpty { return events }
            guard try readMore() else { return [] }
        }
    }

    private mutating func nextWhole() throws(ProcessorHost.Failure) -> Event? {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        guard let length = BSONView.announcedLength(rest), length <= rest.count else { return nil }
        guard let view = BSONView(prefixOf: rest), let event = view.first("event")?.document else {
            throw .init(reason: "its input is no record")
        }
        start += length
        return Event(
            bytes: event.bytes, stream: view.first("stream")?.text ?? "",
            number: UInt64(bitPattern: view.first("number")?.integer ?? 0),
            arrival: view.first("arrival")?.integer ?? 0)
    }

    private mutating func readMore() throws(ProcessorHost.Failure) -> Bool {
        let rest = end - start
        if start > 0 {
            bytes.baseAddress.map { $0.copyMemory(from: $0 + start, byteCount: rest) }
            start = 0
            end = rest
        }
        if end == bytes.count {
            // Its writer is the collector, whose documents are bounded.
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count * 2, alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
            bytes.deallocate()
            bytes = larger
        }
        while true {
            let count = bytes.baseAddress.map { read(STDIN_FILENO, $0 + end, bytes.count - end) } ?? 0
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .init(reason: "cannot read: \(SystemError.current)") }
            end += count
            return count > 0
        }
    }
}
