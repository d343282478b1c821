internal import SkeinBSON
internal import SkeinWire
internal import Synchronization

/// What all events of one type in one pipeline share, encoded once.
///
/// Descriptors live as long as their pipeline and are used by raw pointers on the hot path: a reference count that every
/// thread touches would cost more than the event.
final class TypeDescriptor: @unchecked Sendable {  // immutable after init, but for an atomic
    let bytes: [UInt8]
    let hash: UInt64
    let name: String
    let isRecord: Bool
    /// What contexts of this type hold back if they do not say it themselves.
    let keep: Keep?
    /// Contexts of this type are used by several threads at once.
    let isShared = Atomic<Bool>(false)
    /// `type`, `host`, `pid` as elements, then the head of `start`.
    let prefix: UnsafeRawBufferPointer
    /// `service`, if configured, as an element.
    let suffix: UnsafeRawBufferPointer
    /// No event is larger than this and its body, if it has no given id and no error.
    let fixedBytes: Int

    init(type: [UInt8], host: String, pid: Int32, service: String?, keep: Keep? = nil) {
        self.keep = keep
        bytes = type
        hash = type.withUnsafeBytes { EventType.hash($0) }
        name = String(decoding: type, as: UTF8.self)
        isRecord = name == "log" || name.hasSuffix(".log")
        prefix = Self.block(type.count + host.utf8.count + 64) { writer in
            type.withUnsafeBytes { writer.string(key: Self.key("type"), $0) }
            Self.utf8(host) { writer.string(key: Self.key("host"), $0) }
            writer.int32(key: Self.key("pid"), pid)
            writer.header(.double, key: Self.key("start"))
        }
        suffix = Self.block((service?.utf8.count ?? 0) + 32) { writer in
            if let service { Self.utf8(service) { writer.string(key: Self.key("service"), $0) } }
        }
        fixedBytes = prefix.count + suffix.count + 256
    }

    deinit {
        prefix.deallocate()
        suffix.deallocate()
    }

    private static func key(_ literal: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    private static func utf8(_ text: String, _ body: (UnsafeRawBufferPointer) -> Void) {
        Array(text.utf8).withUnsafeBytes(body)
    }

    private static func block(
        _ capacity: Int, _ body: (inout BSONRawWriter) -> Void
    ) -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 16), alignment: 8)
        var writer = BSONRawWriter(memory)
        body(&writer)
        return UnsafeRawBufferPointer(start: memory, count: writer.pointer - memory)
    }
}
