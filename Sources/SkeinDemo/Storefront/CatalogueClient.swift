import Skein
import SkeinHTTP

/// The storefront's way to the catalogue. Each call is a context of its own, whose ids go along as headers.
struct CatalogueClient: Sendable {
    /// `http://127.0.0.1:41234`, without a slash at the end.
    let url: String
    private let http: HTTPClient

    init(url: String) {
        self.url = url
        var configuration = HTTPClient.Configuration()
        configuration.userAgent = "skein-demo storefront"
        http = HTTPClient(configuration)
    }

    func search(_ text: String, limit: Int) throws -> BSONDocument {
        try get("/packages?q=\(PercentCoding.encode(text))&limit=\(limit)")
    }

    /// - Throws: ``NoSuchPackage`` if it is not installed.
    func package(_ name: String) throws -> BSONDocument {
        do {
            return try get("/packages/" + PercentCoding.encode(name))
        } catch is NotFound {
            throw NoSuchPackage(name: name)
        }
    }

    /// What each of the packages needs; those that are not installed are left out.
    func dependencies(of names: [String]) throws -> [(name: String, needs: [String])] {
        let query = names.map { "package=" + PercentCoding.encode($0) }.joined(separator: "&")
        let answer = try get("/dependencies?" + query)
        return (answer["packages"]?.arrayValues ?? []).compactMap { entry in
            guard let entry = entry.documentValue, let name = entry["name"]?.stringValue else { return nil }
            return (name, (entry["needs"]?.arrayValues ?? []).compactMap(\.stringValue))
        }
    }

    private struct NotFound: Error, CustomStringConvertible {
        let description: String
    }

    private func get(_ target: String) throws -> BSONDocument {
        try withClientRequest(method: "GET", url: url + target) { request in
            var headers = HTTPHeaders()
            for (name, value) in request.headers { headers[name] = value }
            let answer: HTTPResponse
            do {
                answer = try http.send(url: url + target, headers: headers)
            } catch {
                throw CatalogueUnavailable(description: "\(error)")
            }
            request.status = answer.status
            request.responseSize = answer.body.count
            let document = try? ExtendedJSON.decode(answer.text)
            let message = document?["error"]?.stringValue ?? "status \(answer.status)"
            switch answer.status {
            case 200:
                guard let document else {
                    throw CatalogueUnavailable(description: "the catalogue answered 200 and no JSON")
                }
                return document
            case 404: throw NotFound(description: message)
            case 400: throw BadQuery(description: message)
            default: throw CatalogueUnavailable(description: "the catalogue answered: \(message)")
            }
        }
    }
}
