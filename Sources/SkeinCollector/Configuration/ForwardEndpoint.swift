import SkeinShipping

/// The address of another collector, as the shipper understands it.
enum ForwardEndpoint {
    static let acceptedForm = "HOST:PORT, deliver://HOST:PORT or push://HOST:PORT, for instance master:3515"

    static func check(_ text: String) throws(BadValue) -> String {
        do {
            let endpoint = try Endpoint(text)
            guard endpoint.transport != .file else {
                throw BadValue("\"\(text)\" is a file", accepts: acceptedForm)
            }
            return text
        } catch let error as BadValue {
            throw error
        } catch {
            throw BadValue("\(error)")
        }
    }
}
