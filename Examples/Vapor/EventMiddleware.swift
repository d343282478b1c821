#if Vapor
    import Skein
    import Vapor

    /// Each request becomes an event of type `request`, of its caller's tree.
    struct EventMiddleware: AsyncMiddleware {
        func respond(to request: Request, chainingTo next: any AsyncResponder) async throws -> Response {
            try await withRequest(
                method: request.method.rawValue, path: request.url.string,
                headers: RequestHeaders(fields: request.headers)
            ) { seen in
                defer { seen.route = request.route.map { "/" + $0.path.string } ?? "" }
                do {
                    let response = try await next.respond(to: request)
                    seen.status = Int(response.status.code)
                    seen.responseSize = max(0, response.body.count)
                    return response
                } catch let error as any AbortError {
                    seen.status = Int(error.status.code)
                    throw error
                }
            }
        }
    }

    struct RequestHeaders: PropagationCarrier {
        var fields: HTTPHeaders

        func propagatedValue(for name: String) -> String? { fields.first(name: name) }

        mutating func setPropagatedValue(_ value: String, for name: String) {
            fields.replaceOrAdd(name: name, value: value)
        }
    }
#endif
