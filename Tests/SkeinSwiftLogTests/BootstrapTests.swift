#if SwiftLog
    import Logging
    import Skein
    import SkeinLogging
    import SkeinSwiftLog
    import SkeinTesting
    import Testing

    private enum Tenant {
        @TaskLocal static var name: String?
    }

    /// The process's logging, which may be set once.
    private let bootstrapped: Void = LoggingSystem.bootstrap(
        SkeinLogHandler.init(label:metadataProvider:),
        metadataProvider: .init { Tenant.name.map { ["tenant": .string($0)] } ?? [:] })

    /// What a factory is given and gives, in both of swift-log's forms.
    private let factories: [@Sendable (String) -> any LogHandler] = [SkeinLogHandler.init(label:)]

    @Suite struct BootstrapTests {
        init() { _ = bootstrapped }

        @Test func `a library's logger speaks into the app's contexts`() throws {
            let recorder = try TestRecorder()
            recorder.withContext("request") { _ in
                Tenant.$name.withValue("acme") { Logger(label: "library").info("hello") }
                Logger(label: "library").debug("not this")
            }
            let record = try #require(recorder.events("request.log").first)
            #expect(recorder.events("request.log").count == 1)
            #expect(record["name"] == .string("library"))
            #expect(record["data.tenant"] == .string("acme"))
        }

        @Test func `child tasks log into their context, from many threads`() async throws {
            let recorder = try TestRecorder()
            let logger = Logger(label: "library")
            await recorder.withContext("request") { _ in
                await withTaskGroup { group in
                    for index in 0..<50 {
                        group.addTask {
                            await withContext(".part") { _ in
                                await Task.yield()
                                logger.info("\(index)", metadata: ["index": .stringConvertible(index)])
                            }
                        }
                    }
                }
            }
            let records = recorder.events("request.part.log")
            #expect(Set(records.compactMap { $0["data.index"]?.intValue }) == Set(0..<50))
            let parts = Set(recorder.events("request.part").map(\.span))
            #expect(records.allSatisfy { parts.contains($0.parent ?? "") })
        }

        @Test func `a factory of one line serves for each label`() {
            #expect(factories.allSatisfy { $0("x") is SkeinLogHandler })
        }
    }
#endif
