import Skein
import SkeinHTTP

/// The service that knows the packages. Its callers are other services.
///
///     GET /packages?q=TEXT&limit=N         packages whose name or description has the text
///     GET /packages/NAME                   one package
///     GET /dependencies?package=A&package=B  what each of them needs
struct CatalogueService: Sendable {
    let database: CatalogueDatabase

    /// At most as many packages in one question for dependencies.
    static let maximumNames = 50

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        answering(request) { context in
            guard request.method == "GET" || request.method == "HEAD" else {
                throw MethodNotAllowed(method: request.method)
            }
            switch (request.segments.first, request.segments.count) {
            case ("packages", 1):
                context.route = "/packages"
                return try search(request)
            case ("packages", 2):
                context.route = "/packages/:name"
                return try package(request.segments[1])
            case ("dependencies", 1):
                context.route = "/dependencies"
                return try dependencies(request)
            default:
                throw NoSuchPath(path: request.path)
            }
        }
    }

    private func search(_ request: HTTPRequest) throws -> BSONDocument {
        let text = try request.text("q", length: 2...64)
        let limit = try request.number("limit", in: 1...200, default: 20)
        let found = try database.read { reader in try reader.search(text, limit: limit) }
        let packages = found.packages.map { listing in
            BSONValue.document([
                "name": .string(listing.name), "version": .string(listing.version),
                "summary": .string(listing.summary),
            ])
        }
        return ["total": .int64(Int64(found.total)), "packages": .array(.array(packages))]
    }

    private func package(_ name: String) throws -> BSONDocument {
        guard let package = try database.read({ reader in try reader.package(name) }) else {
            throw NoSuchPackage(name: name)
        }
        return package
    }

    private func dependencies(_ request: HTTPRequest) throws -> BSONDocument {
        let names = request.query.values(of: "package")
        guard (1...Self.maximumNames).contains(names.count) else {
            throw BadQuery(
                description: "\(names.count) packages are asked for; 1 to \(Self.maximumNames) are taken")
        }
        Context.current?["packages"] = names.count
        let found = try database.read { reader in try reader.dependencies(of: names) }
        let packages = found.map { entry in
            BSONValue.document([
                "name": .string(entry.package), "needs": .array(.array(entry.needs.map { .string($0) })),
            ])
        }
        return ["packages": .array(.array(packages))]
    }
}
