/// What an app holds back of its trees, as its shipper's thread sees it: looked after, and let go when another service asks.
public protocol HeldDetail: AnyObject, Sendable {
    /// Whether it is worth listening to other services.
    var isListening: Bool { get }
    /// What was to linger until now goes. Called each time around.
    func tend(now: Int64)
    /// Another service let go what it held of an id.
    func release(id: String)
    /// A message that was to say so made no sense.
    func countBad()
}
