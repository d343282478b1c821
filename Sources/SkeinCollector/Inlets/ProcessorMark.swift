import SkeinBSON

/// The key `processor` of an event: the outlet whose processor answered with it (`Docs/EventDocument.md`).
enum ProcessorMark {
    static let key = "processor"

    /// Whether some processor made the event.
    static func isMarked(_ event: UnsafeRawBufferPointer) -> Bool {
        BSONView(prefixOf: event)?.first("processor") != nil
    }

    /// The event with the mark, in place of one that it had.
    static func mark(_ event: [UInt8], _ outlet: String) -> [UInt8] {
        var builder = BSONBuilder(capacity: event.count + 32 + outlet.utf8.count)
        event.withUnsafeBytes { bytes in
            guard let view = BSONView(prefixOf: bytes) else { return }
            var elements = view.makeElements()
            while let element = elements.nextIfValid() {
                if !element.hasKey("processor") { builder.append(element) }
            }
        }
        builder.append(key, string: outlet)
        return builder.finish().bytes
    }
}
