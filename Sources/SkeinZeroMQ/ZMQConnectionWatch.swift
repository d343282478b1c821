/// Reads from a connecting socket's monitor events how its connection fares. For a socket with one endpoint.
///
/// libzmq has no event for a socket of the wrong kind at the other end. It shows as a connection that breaks
/// without any word about the handshake (4.3.4), or as invalid metadata; after it libzmq does not try again.
public struct ZMQConnectionWatch: Sendable, Hashable {
    /// What an event meant.
    public enum Outcome: Sendable, Hashable {
        /// The handshake is done: messages can flow.
        case ready
        /// The attempt to connect failed, mostly since nobody listens.
        case unreachable
        /// The other end is a socket whose kind does not fit. libzmq has given up.
        case wrongKind
        /// The authoriser of the other end refused us, or the keys do not fit. The text says which.
        case refused(String)
        /// The other end went, or is no ZeroMQ socket, before the handshake was done.
        case handshakeFailed
        /// The connection broke after the handshake.
        case disconnected
    }

    private enum Phase { case away, shaking, failed, ready }
    private var phase = Phase.away

    /// A watch of a socket that has not connected yet.
    public init() {}

    /// Takes one event.
    /// - Returns: what it means, nil if nothing is decided by it.
    public mutating func take(_ event: ZMQMonitorEvent.Kind) -> Outcome? {
        switch event {
        case .connected:
            phase = .shaking
            return nil
        case .handshakeSucceeded:
            phase = .ready
            return .ready
        case .handshakeProtocolError(.invalidMetadata):
            phase = .failed
            return .wrongKind
        case .handshakeProtocolError(let error):
            phase = .failed
            return .refused("\(error)")
        case .handshakeRefused(let status):
            phase = .failed
            return .refused("status \(status)")
        case .handshakeFailed:
            phase = .failed
            return .handshakeFailed
        case .disconnected:
            defer { phase = .away }
            return switch phase {
            case .shaking: .wrongKind
            case .ready: .disconnected
            case .away, .failed: nil
            }
        case .closed, .connectRetried:
            guard phase == .away else { return nil }
            return .unreachable
        default:
            return nil
        }
    }
}
