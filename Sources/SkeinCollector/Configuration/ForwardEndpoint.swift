import SkeinShipping

/// The address of another collector, as the shipper understands it.
enum ForwardEndpoint {
    static let acceptedForm = "HOST:PORT, deliver://HOST:PORT or push://HOST:PORT, for instance master:3515"

    static func check(_ text: String) throws(BadValue) -> String {
        text
    }
}
