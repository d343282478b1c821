import SkeinBSON
import SkeinPlatform

/// The event that asks other services to let go what they hold of an id (`Docs/EventDocument.md`, Events of Skein's own).
public enum ReleaseEvent {
    /// The type of the event.
    public static let type = "skein.release"
    /// A larger document is not looked at.
    public static let maximumBytes = 4_096

    /// The event: of the tree whose id it names, with a span of its own.
    /// - Parameters:
    ///   - id: the tree's, at most ``EventLimits/idBytes`` bytes.
    ///   - trace: the tree's trace id.
    ///   - parent: the span of the context whose detail was let go.
    ///   - time: Unix seconds.
    public static func document(
        id: String, trace: TraceID, parent: UInt64, time: Double, host: String, pid: Int32, service: String?
    ) -> [UInt8] {
        var event = BSONBuilder()
        event.append("id", .string(id))
        event.append("type", .string(type))
        event.append("host", .string(host))
        event.append("pid", .int32(pid))
        event.append("start", .double(time))
        event.append("end", .double(time))
        event.append("body", .document(["id": .string(id)]))
        event.append("span", .string(Hex.string(max(1, KernelRandom.word()))))
        event.append("parent", .string(Hex.string(parent)))
        if id != trace.description { event.append("trace", .string(trace.description)) }
        if let service { event.append("service", .string(service)) }
        return event.finish().bytes
    }

    /// The id that a document of this type names. The bytes may hold anything.
    /// - Returns: nil if they are no such event.
    public static func id(in bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count <= maximumBytes, BSONValidator.isValid(bytes), let view = try? BSONView(bytes),
            view.first("type")?.text == type, let body = view.first("body")?.document,
            let id = body.first("id")?.text, !id.isEmpty, id.utf8.count <= EventLimits.idBytes
        else { return nil }
        return id
    }
}
