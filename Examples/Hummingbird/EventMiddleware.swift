#if Hummingbird
    import HTTPTypes
    import Hummingbird
    import Skein

    /// Each request becomes an event of type `request`, of its caller's tree.
    struct EventMiddleware<RouteContext: RequestContext>: RouterMiddleware {
        func handle(
            _ request: Request, context: RouteContext, next: (Request, RouteContext) async throws -> Response
        ) async throws -> Response {
            try await withRequest(
                method: request.method.rawValue, path: request.uri.string,
                headers: RequestHeaders(fields: request.headers)
            ) { seen in
                defer { seen.route = context.endpointPath ?? "" }
                do {
                    let response = try await next(request, context)
                    seen.status = response.status.code
                    seen.responseSize = response.body.contentLength ?? 0
                    return response
                } catch let error as any HTTPResponseError {
                    seen.status = error.status.code
                    throw error
                }
            }
        }
    }

    struct RequestHeaders: PropagationCarrier {
        var fields: HTTPFields

        func propagatedValue(for name: String) -> String? {
            HTTPField.Name(name).flatMap { fields[$0] }
        }

        mutating func setPropagatedValue(_ value: String, for name: String) {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
    }
#endif
