/// A request that this process answers, as `withRequest` hands it to its closure.
public struct ServerRequest {
    /// The context of the request.
    public let context: Context

    /// The status of the response. Set it once it is known.
    public var status: Int {
        get { context["response.status"] ?? 0 }
        nonmutating set { context["response.status"] = newValue }
    }

    /// Bytes of the response's body.
    public var responseSize: Int {
        get { context["response.size"] ?? 0 }
        nonmutating set { context["response.size"] = newValue }
    }

    /// Bytes of the request's body.
    public var requestSize: Int {
        get { context["request_size"] ?? 0 }
        nonmutating set { context["request_size"] = newValue }
    }

    /// The matched route, `/package/:name`: what requests are grouped by.
    public var route: String {
        get { context["route"] ?? "" }
        nonmutating set { context["route"] = newValue }
    }

    init(_ context: Context) { self.context = context }

    /// The headers that are recorded, as `headers.<name>` with `-` as `_`. None that may hold a secret.
    static let recordedHeaders: [(header: String, field: StaticString)] = [
        ("host", "headers.host"), ("user-agent", "headers.user_agent"), ("referer", "headers.referer"),
        ("content-type", "headers.content_type"), ("content-length", "headers.content_length"),
        ("accept-language", "headers.accept_language"), ("x-forwarded-for", "headers.x_forwarded_for"),
        ("x-request-id", "headers.x_request_id"),
    ]

    static func describe(
        _ context: Context, method: String, path: String, headers: some PropagationCarrier
    ) {
        guard context.isRecording else { return }
        context["method"] = method
        context["uri"] = path
        context["path"] = String(path.prefix { $0 != "?" && $0 != "#" })
        for (header, field) in recordedHeaders {
            if let value = headers.propagatedValue(for: header) { context[field] = value }
        }
    }
}

/// Runs a closure inside the context of a request that this process answers, continuing the caller's tree.
///
/// ```swift
/// let headers = ["user-agent": "curl/8"]
/// let body = withRequest(method: "GET", path: "/search?q=zmq", headers: headers) { request in
///     request.status = 200
///     return "found"
/// }
/// ```
/// Fields: `method`, `uri` (with the query), `path` (without), `headers.{host,user_agent,referer,content_type,content_length,
/// accept_language,x_forwarded_for,x_request_id}` where they came, and what the closure sets: `response.status`,
/// `response.size`, `request_size`, `route`. An error that leaves the closure is recorded and goes on.
/// - Parameters:
///   - path: with the query, as it came.
///   - headers: any ``PropagationCarrier``, `[String: String]` for one.
///   - type: default `request`.
public func withRequest<Result, Failure: Error>(
    method: String, path: String, headers: some PropagationCarrier, type: StaticString = "request",
    sample: Sampling = .always, pipeline: EventPipeline? = nil,
    _ body: (ServerRequest) throws(Failure) -> Result
) throws(Failure) -> Result {
    try withContext(type, continuing: headers, sample: sample, pipeline: pipeline) {
        context throws(Failure) -> Result in
        ServerRequest.describe(context, method: method, path: path, headers: headers)
        return try body(ServerRequest(context))
    }
}

/// As the synchronous one, for an asynchronous closure.
public func withRequest<Result, Failure: Error>(
    method: String, path: String, headers: some PropagationCarrier, type: StaticString = "request",
    sample: Sampling = .always, pipeline: EventPipeline? = nil,
    isolation: isolated (any Actor)? = #isolation, _ body: (ServerRequest) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    try await withContext(type, continuing: headers, sample: sample, pipeline: pipeline, isolation: isolation)
    {
        context async throws(Failure) -> Result in
        ServerRequest.describe(context, method: method, path: path, headers: headers)
        return try await body(ServerRequest(context))
    }
}
