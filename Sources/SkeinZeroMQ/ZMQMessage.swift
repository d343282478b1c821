import CSkeinZeroMQ
import SkeinPlatform

/// One received frame. Unique; its memory goes back to libzmq when it goes out of scope.
///
/// **Threads**: may be handed to another thread (it belongs to no socket).
public struct ZMQMessage: ~Copyable, @unchecked Sendable {  // a zmq_msg_t owns its bytes, by an atomic count
    var raw = skein_zmq_message()

    init() {
        skein_zmq_message_init(&raw)
    }

    deinit {
        withUnsafePointer(to: raw) { skein_zmq_message_close(UnsafeMutablePointer(mutating: $0)) }
    }

    /// The length in bytes.
    public var count: Int {
        withUnsafePointer(to: raw) { skein_zmq_message_size($0) }
    }

    /// Whether another frame of the same message follows.
    public var hasMore: Bool {
        withUnsafePointer(to: raw) { skein_zmq_message_more($0) != 0 }
    }

    /// Lends the bytes, which are the peer's and must be checked. They must not leave the closure.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // A frame of up to 32 bytes lies inside the struct itself, so its address holds only in here.
        try withUnsafePointer(to: raw) { (pointer) throws(Failure) -> Result in
            try body(
                UnsafeRawBufferPointer(
                    start: skein_zmq_message_data(pointer), count: skein_zmq_message_size(pointer)))
        }
    }

    /// Lends the bytes for change in place, before they are passed on.
    public mutating func withMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeMutablePointer(to: &raw) { (pointer) throws(Failure) -> Result in
            try body(
                UnsafeMutableRawBufferPointer(
                    start: skein_zmq_message_data(pointer), count: skein_zmq_message_size(pointer)))
        }
    }

    /// A copy of the bytes.
    public func bytes() -> [UInt8] {
        withBytes { [UInt8]($0) }
    }

    /// The address of the peer that sent it, such as `127.0.0.1`; nil over inproc.
    public var peerAddress: String? { property("Peer-Address") }

    /// Who the authoriser said that the sender is: with ``ZAPAuthoriser``, its public key. nil without one.
    public var userID: String? { property("User-Id") }

    private func property(_ name: String) -> String? {
        withUnsafePointer(to: raw) { pointer in
            skein_zmq_message_property(pointer, name).map { String(cString: $0) }
        }
    }
}
