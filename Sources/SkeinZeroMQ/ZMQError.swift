import CSkeinZeroMQ
import SkeinPlatform

/// A call into libzmq that failed: what was attempted, on what, and what came back.
public struct ZMQError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The value of `errno`; libzmq's own values (`ETERM`, `EFSM`, …) are above 156,384,000.
    public let code: Int32
    /// What was attempted, such as `bind` or `set linger`.
    public let operation: String
    /// What it was attempted on: an endpoint, an option's value; empty if there is nothing to name.
    public let subject: String

    /// An error by its parts.
    public init(code: Int32, operation: String, subject: String = "") {
        self.code = code
        self.operation = operation
        self.subject = subject
    }

    /// The symbolic name of the code, such as `EADDRINUSE`.
    public var name: String {
        switch code {
        case Self.stateMachine: "EFSM"
        case Self.incompatibleProtocol: "ENOCOMPATPROTO"
        case Self.terminated: "ETERM"
        case Self.noThread: "EMTHREAD"
        default: SystemError(code: code).name
        }
    }

    /// Whether the context was shut down: the caller should close its sockets and end.
    public var isTermination: Bool { code == Self.terminated }

    /// One line without any payload: operation, subject, errno's name and text, and what to do about it.
    public var description: String {
        let text = zmq_strerror(code).map { String(cString: $0) } ?? "unknown error"
        let target = subject.isEmpty ? "" : " \(subject)"
        let hint = advice.map { "; \($0)" } ?? ""
        return "ZeroMQ could not \(operation)\(target): \(name) (\(text))\(hint)"
    }

    private var advice: String? {
        switch code {
        case EADDRINUSE: "something listens there already: choose another port, or 0 for any free one"
        case EADDRNOTAVAIL, ENODEV: "the address belongs to no interface of this machine"
        case EACCES: "ports below 1024 need privileges"
        case EPROTONOSUPPORT: "the endpoint must begin with tcp://, ipc:// or inproc://"
        case EMFILE, ENFILE: "raise the limit of open files or of the context's sockets"
        case EHOSTUNREACH: "the peer is gone"
        case ENOTSUP: "this libzmq was built without it"
        case Self.terminated: "the context was shut down"
        default: nil
        }
    }

    static let stateMachine = Int32(ZMQ_HAUSNUMERO + 51)
    static let incompatibleProtocol = Int32(ZMQ_HAUSNUMERO + 52)
    static let terminated = Int32(ZMQ_HAUSNUMERO + 53)
    static let noThread = Int32(ZMQ_HAUSNUMERO + 54)
}
