import Skein
import SkeinHTTP

/// The service that people talk to. It has no data of its own: all it knows it asks of the catalogue.
///
///     GET /search?q=TEXT&limit=N   packages whose name or description has the text
///     GET /package/NAME            one package and what it needs
///     GET /depends/NAME?depth=N    everything it needs, level by level, one call to the catalogue for 50 packages
struct StorefrontService: Sendable {
    let catalogue: CatalogueClient

    /// At most as many packages in one answer to `/depends`.
    private static let maximumPackages = 2_000

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        answering(request) { context in
            guard request.method == "GET" || request.method == "HEAD" else {
                throw MethodNotAllowed(method: request.method)
            }
            switch (request.segments.first, request.segments.count) {
            case ("search", 1):
                context.route = "/search"
                return try search(request)
            case ("package", 2):
                context.route = "/package/:name"
                return try package(request.segments[1])
            case ("depends", 2):
                context.route = "/depends/:name"
                return try depends(request.segments[1], request)
            default:
                throw NoSuchPath(path: request.path)
            }
        }
    }

    private func search(_ request: HTTPRequest) throws -> BSONDocument {
        let text = try request.text("q", length: 2...64)
        let limit = try request.number("limit", in: 1...200, default: 20)
        let found = try catalogue.search(text, limit: limit)
        Context.current?["found"] = found["total"]?.intValue ?? 0
        var answer: BSONDocument = ["q": .string(text)]
        for (key, value) in found { answer.append(key, value) }
        return answer
    }

    private func package(_ name: String) throws -> BSONDocument {
        var answer = try catalogue.package(name)
        let needs = try catalogue.dependencies(of: [name]).first?.needs ?? []
        answer.append("needs", .array(.array(needs.map { .string($0) })))
        return answer
    }

    private func depends(_ name: String, _ request: HTTPRequest) throws -> BSONDocument {
        let depth = try request.number("depth", in: 1...10, default: 1)
        Context.current?["depth"] = depth
        var seen: Set<String> = [name]
        var missing: [String] = []
        var level = [name]
        var levels: [BSONValue] = []
        while levels.count < depth, !level.isEmpty, seen.count < Self.maximumPackages {
            var next: [String] = []
            for start in stride(from: 0, to: level.count, by: CatalogueService.maximumNames) {
                let asked = level[start..<min(start + CatalogueService.maximumNames, level.count)]
                let found = try catalogue.dependencies(of: Array(asked))
                let known = Set(found.map(\.name))
                missing += asked.filter { !known.contains($0) }
                for name in found.flatMap(\.needs) where seen.insert(name).inserted { next.append(name) }
            }
            guard missing.first != name else { throw NoSuchPackage(name: name) }
            level = next.sorted()
            if !level.isEmpty { levels.append(.array(.array(level.map { .string($0) }))) }
        }
        Context.current?["levels"] = levels.count
        Context.current?["packages"] = seen.count - 1
        return [
            "package": .string(name), "depth": .int64(Int64(depth)),
            "packages": .int64(Int64(seen.count - 1)),
            "levels": .array(.array(levels)), "missing": .array(.array(missing.map { .string($0) })),
        ]
    }
}
