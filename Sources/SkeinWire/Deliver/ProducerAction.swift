/// What a ``ProducerSession`` wants done. To be carried out in order.
public enum ProducerAction: Hashable, Sendable {
    /// Open a new socket and connect it; tell the session how that goes.
    case openSocket
    /// Close the socket without lingering. What is in flight on it is forgotten.
    case closeSocket
    /// Send a message that has no payload. If the socket does not take it, drop it: silence will tell.
    case send(DeliverMessage)
    /// Everything up to the number is durable at the collector: the cursor may pass it.
    case acknowledged(StreamIdentity, through: UInt64)
    /// Everything after the number is to be offered again, from the lowest on.
    case resend(StreamIdentity, after: UInt64)
    /// The collector put so many records aside as invalid, the last of them this one. The acknowledgement follows.
    case invalid(StreamIdentity, number: UInt64, count: Int)
    /// The collector said farewell to the stream.
    case ended(StreamIdentity)
    /// Something a person should hear of; once for each kind is enough.
    case warn(ProducerWarning)
}

/// What a person should hear of.
public enum ProducerWarning: Hashable, Sendable {
    /// No connection within the limit.
    case noConnection
    /// The collector did not answer in time.
    case silent
    /// The collector refused, or broke the protocol; with its or our words.
    case refused(RefuseReason, String)
    /// The collector forgot a stream that it had acknowledged: what it held of it may arrive twice.
    case forgotten(StreamIdentity)
}
