#if Vapor
    import Skein
    import Vapor

    /// A server with two routes: `swift run --traits Vapor SkeinVaporExample`, then `curl 127.0.0.1:8080/hello/ann`.
    /// `SKEIN_ENDPOINT` says where its events go, `PORT` where it listens.
    @main struct Main {
        struct Broken: Error {}

        static func main() async throws {
            try EventSystem.bootstrap(.fromEnvironment())
            let application = try await Application.make(
                Environment(name: "development", arguments: ["serve"]))
            application.middleware.use(EventMiddleware())
            application.get("hello", ":name") { request async throws -> String in
                let name = try request.parameters.require("name")
                return withContext(".greet") { greeting in
                    greeting["name"] = name
                    return "Hello, \(name)!\n"
                }
            }
            application.get("fail") { _ async throws -> String in throw Broken() }
            let port = Environment.get("PORT").flatMap { Int($0) } ?? 8080
            application.http.server.configuration.address = .hostname("127.0.0.1", port: port)
            try await application.startup()
            print("listening on port \(application.http.server.shared.localAddress?.port ?? port)")
            try await application.running?.onStop.get()
            try await application.asyncShutdown()
            await EventSystem.shutdown()
        }
    }
#else
    @main struct Main {
        static func main() {
            print("SkeinVaporExample is empty: build it with --traits Vapor, see Docs/Adapters.md")
        }
    }
#endif
