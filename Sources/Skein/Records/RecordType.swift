internal import SkeinPlatform

/// The type that log records get, in the shape that finds its descriptor without a dictionary: the address of a text that
/// lives for ever.
package struct RecordType: @unchecked Sendable {
    // Sendable: a constant address of constant bytes.
    let address: UnsafePointer<UInt8>
    let length: Int

    /// `.log`: joins the current context.
    package static let log = RecordType(".log")

    /// - Parameter literal: `.x` joins the current context, `^.x` the outermost, a plain name starts a tree.
    package init(_ literal: StaticString) {
        if literal.hasPointerRepresentation {
            self.init(address: literal.utf8Start, length: literal.utf8CodeUnitCount)
        } else {
            self.init(computed: literal.description)
        }
    }

    /// As ``init(_:)``, with a name that is computed. Each name is kept for ever; when 4,096 of them are, a further one is `.log`.
    package init(computed text: String) {
        let kept = Self.computed.withLock { known -> RecordType? in
            if let old = known[text] { return old }
            guard known.count < 4_096 else { return nil }
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
            var count = 0
            for byte in text.utf8 {
                copy[count] = byte
                count += 1
            }
            let new = RecordType(address: UnsafePointer(copy), length: count)
            known[text] = new
            return new
        }
        self = kept ?? .log
    }

    private init(address: UnsafePointer<UInt8>, length: Int) {
        self.address = address
        self.length = length
    }

    private static let computed = Monitor<[String: RecordType]>([:])

    var text: String {
        String(decoding: UnsafeBufferPointer(start: address, count: length), as: UTF8.self)
    }

    @inline(__always)
    var literal: UInt { UInt(bitPattern: address) }

    /// Whether it belongs to a context around it, if there is one.
    @inline(__always)
    var joins: Bool { length > 0 && (address.pointee == 0x2E || address.pointee == 0x5E) }

    @inline(__always)
    var joinsOutermost: Bool { length > 0 && address.pointee == 0x5E }
}
