public import SkeinZeroMQ

extension Shipper {
    /// Where records go, who sends them, and how.
    public struct Configuration: Sendable {
        /// Where records go.
        public var endpoint: Endpoint
        /// What HELLO says of the sender.
        public var service: String
        /// The host that HELLO names.
        public var host: String
        /// The process id that HELLO names.
        public var pid: Int32
        /// Ids of the collectors behind the sender, the nearest first; the forwarding collector's own id first of all.
        public var path: [String] = []
        /// How many bytes a batch has at most, unless one record has more. 4 KiB to 1 MiB.
        public var batchBytes = 256 << 10
        /// How long records are gathered into a batch while others keep coming. The first after a pause goes at once.
        public var gathering: Duration = .milliseconds(5)
        /// Encrypts: our keys and the collector's public key.
        public var curve: (keys: CurveKeyPair, server: CurveKey)?
        /// Where to hear what other services let go; nil: nowhere.
        public var releases: ReleaseSource?
        /// No answer for so long ends a connection.
        public var silence: Duration = .seconds(5)

        /// The defaults for everything but the endpoint and what HELLO says.
        public init(endpoint: Endpoint, service: String = "", host: String = "", pid: Int32 = 0) {
            self.endpoint = endpoint
            self.service = service
            self.host = host
            self.pid = pid
        }
    }
}
