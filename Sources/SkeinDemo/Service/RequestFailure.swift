/// What a service answers instead of what was asked for. Recorded as the `error` of the request's event.
protocol RequestFailure: Error, CustomStringConvertible {
    var status: Int { get }
}

struct BadQuery: RequestFailure {
    let description: String
    var status: Int { 400 }
}

struct NoSuchPackage: RequestFailure {
    let name: String
    var status: Int { 404 }
    var description: String { "no package \(name) is installed" }
}

struct NoSuchPath: RequestFailure {
    let path: String
    var status: Int { 404 }
    var description: String { "there is nothing at \(path)" }
}

struct MethodNotAllowed: RequestFailure {
    let method: String
    var status: Int { 405 }
    var description: String { "\(method) is not understood here; GET is" }
}

/// The other service did not answer, or not as it should.
struct CatalogueUnavailable: RequestFailure {
    let description: String
    var status: Int { 502 }
}
