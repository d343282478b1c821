#if Hummingbird
    import Hummingbird
    import Skein
    import SkeinLifecycle

    /// A server with two routes: `swift run --traits Hummingbird SkeinHummingbirdExample`, then `curl 127.0.0.1:8080/hello/ann`.
    /// `SKEIN_ENDPOINT` says where its events go, `PORT` where it listens.
    @main struct Main {
        struct Broken: Error {}

        static func main() async throws {
            try EventSystem.bootstrap(.fromEnvironment())
            let router = Router()
            router.middlewares.add(EventMiddleware())
            router.get("/hello/:name") { _, context in
                let name = try context.parameters.require("name")
                return withContext(".greet") { greeting in
                    greeting["name"] = name
                    return "Hello, \(name)!\n"
                }
            }
            router.get("/fail") { _, _ -> String in throw Broken() }
            let port = Environment().get("PORT", as: Int.self) ?? 8080
            let application = Application(
                router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
                services: [EventPipelineService()],
                onServerRunning: { channel in
                    print("listening on port \(channel.localAddress?.port ?? port)")
                })
            try await application.runService()
        }
    }
#else
    @main struct Main {
        static func main() {
            print(
                "SkeinHummingbirdExample is empty: build it with --traits Hummingbird, see Docs/Adapters.md")
        }
    }
#endif
