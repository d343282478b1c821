/// A request that this process sends, as `withClientRequest` hands it to its closure.
public struct ClientRequest {
    /// The context of the request.
    public let context: Context

    /// What to send along, so that the other side continues this tree: `traceparent`, `tracestate`, `baggage`.
    public let headers: [String: String]

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

    init(_ context: Context) {
        self.context = context
        var headers: [String: String] = [:]
        context.inject(into: &headers)
        self.headers = headers
    }

    static func describe(_ context: Context, method: String, url: String) {
        guard context.isRecording else { return }
        context["method"] = method
        context["url"] = withoutSecrets(url)
        // scheme://[user@]host[:port]/…
        if let scheme = url.range(ofASCII: "://") {
            let rest = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            context["peer"] = String(rest.split(separator: "@").last ?? "")
        }
    }

    /// The address without a password in it.
    private static func withoutSecrets(_ url: String) -> String {
        guard let scheme = url.range(ofASCII: "://") else { return url }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@") else { return url }
        return String(url[..<scheme.upperBound] + rest[rest.index(after: at)...])
    }
}

extension String {
    fileprivate func range(ofASCII text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// Runs a closure inside the context of a request that this process sends. A child of the current context; the headers to
/// send are in the closure's argument.
///
/// ```swift
/// let status = withClientRequest(method: "GET", url: "http://127.0.0.1:8081/package/bash") { request in
///     // send(url, headers: request.headers)
///     request.status = 200
///     return request.status
/// }
/// ```
/// Fields: `method`, `url` (without user and password), `peer`, and what the closure sets: `response.status`,
/// `response.size`.
/// - Parameter type: default `.http`.
public func withClientRequest<Result, Failure: Error>(
    method: String, url: String, type: StaticString = ".http", sample: Sampling = .always,
    pipeline: EventPipeline? = nil, _ body: (ClientRequest) throws(Failure) -> Result
) throws(Failure) -> Result {
    try withContext(type, sample: sample, pipeline: pipeline) { context throws(Failure) -> Result in
        ClientRequest.describe(context, method: method, url: url)
        return try body(ClientRequest(context))
    }
}

/// As the synchronous one, for an asynchronous closure.
public func withClientRequest<Result, Failure: Error>(
    method: String, url: String, type: StaticString = ".http", sample: Sampling = .always,
    pipeline: EventPipeline? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (ClientRequest) async throws(Failure) -> Result
) async throws(Failure) -> Result {
    try await withContext(type, sample: sample, pipeline: pipeline, isolation: isolation) {
        context async throws(Failure) -> Result in
        ClientRequest.describe(context, method: method, url: url)
        return try await body(ClientRequest(context))
    }
}
