// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "skein",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Skein", targets: ["Skein"]),
        .library(name: "SkeinLogging", targets: ["SkeinLogging"]),
        .library(name: "SkeinFoundation", targets: ["SkeinFoundation"]),
        .library(name: "SkeinTesting", targets: ["SkeinTesting"]),
        .library(name: "SkeinCollector", targets: ["SkeinCollector"]),
        .library(name: "SkeinLifecycle", targets: ["SkeinLifecycle"]),
        .library(name: "SkeinSwiftLog", targets: ["SkeinSwiftLog"]),
        .library(name: "SkeinTracing", targets: ["SkeinTracing"]),
        .executable(name: "skeind", targets: ["SkeinDaemon"]),
        .executable(name: "skein", targets: ["SkeinTool"]),
        .executable(name: "skein-demo", targets: ["SkeinDemo"]),
    ],
    // Off by default. Without its trait an adapter is an empty module, and its package is not even looked for.
    traits: [
        .trait(name: "Lifecycle", description: "SkeinLifecycle: a Service for swift-service-lifecycle"),
        .trait(name: "SwiftLog", description: "SkeinSwiftLog: a LogHandler for swift-log"),
        .trait(name: "Tracing", description: "SkeinTracing: a Tracer for swift-distributed-tracing"),
        .trait(
            name: "Hummingbird", description: "The example of Skein in a Hummingbird server",
            enabledTraits: ["Lifecycle"]),
        .trait(name: "Vapor", description: "The example of Skein in a Vapor server"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log.git", from: "1.12.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.5.0"),
        .package(url: "https://github.com/vapor/vapor.git", from: "4.100.0"),
    ],
    targets: [
        // System libraries: a module map and a shim.h each, nothing else.
        .systemLibrary(name: "CSkeinPlatform"),
        .systemLibrary(
            name: "CSkeinBSON",
            pkgConfig: "libbson-1.0",
            providers: [.apt(["libbson-dev"]), .brew(["mongo-c-driver"])]),
        .systemLibrary(
            name: "CSkeinZeroMQ", providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
        .systemLibrary(
            name: "CSkeinYAML", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .systemLibrary(
            name: "CSkeinZstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(
            name: "CSkeinSQLite", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .systemLibrary(
            name: "CSkeinMicroHTTPD",
            providers: [.apt(["libmicrohttpd-dev"]), .brew(["libmicrohttpd"])]),
        .systemLibrary(
            name: "CSkeinCURL", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .systemLibrary(
            name: "CSkeinPCRE2", providers: [.apt(["libpcre2-dev"]), .brew(["pcre2"])]),
        .systemLibrary(
            name: "CSkeinCrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),

        // The C ABI of processors in shared libraries: a header, installed for who writes one.
        .systemLibrary(name: "CSkeinProcessor"),

        // Floor 1: one idea each, no knowledge of events.
        .target(name: "SkeinPlatform", dependencies: ["CSkeinPlatform"]),
        .target(name: "SkeinBSON", dependencies: ["CSkeinBSON", "SkeinPlatform"]),
        .target(name: "SkeinZeroMQ", dependencies: ["CSkeinZeroMQ", "SkeinPlatform"]),
        .target(name: "SkeinJournal", dependencies: ["SkeinPlatform"]),
        .target(name: "SkeinSQLite", dependencies: ["CSkeinSQLite"]),
        .target(name: "SkeinCrypto", dependencies: ["CSkeinCrypto"]),
        .target(name: "SkeinYAML", dependencies: ["CSkeinYAML"]),
        .target(name: "SkeinHTTP", dependencies: ["CSkeinMicroHTTPD", "CSkeinCURL", "SkeinPlatform"]),
        .target(name: "SkeinArchive", dependencies: ["CSkeinZstd", "SkeinBSON", "SkeinPlatform"]),
        .target(name: "SkeinPickle", dependencies: ["SkeinBSON", "SkeinPlatform"]),
        .target(name: "SkeinFilter", dependencies: ["CSkeinPCRE2", "SkeinBSON", "SkeinPlatform"]),

        // Floor 2: what both sides agree on, and how a journal is shipped.
        .target(name: "SkeinWire", dependencies: ["SkeinBSON", "SkeinPlatform"]),
        .target(
            name: "SkeinShipping",
            dependencies: ["SkeinWire", "SkeinJournal", "SkeinZeroMQ", "SkeinBSON", "SkeinPlatform"]),

        // Floor 3: the two sides.
        .target(
            name: "Skein",
            dependencies: [
                "SkeinShipping", "SkeinWire", "SkeinJournal", "SkeinZeroMQ", "SkeinBSON",
                "SkeinPlatform",
            ]),
        .target(
            name: "SkeinLogging",
            dependencies: ["Skein", "SkeinWire", "SkeinPickle", "SkeinZeroMQ", "SkeinBSON", "SkeinPlatform"]),
        .target(name: "SkeinFoundation", dependencies: ["Skein", "SkeinBSON"]),
        .target(
            name: "SkeinTesting",
            dependencies: ["SkeinLogging", "Skein", "SkeinBSON", "SkeinPlatform", "SkeinWire"]),
        .target(
            name: "SkeinStore",
            dependencies: ["SkeinSQLite", "SkeinFilter", "SkeinWire", "SkeinBSON", "SkeinPlatform"]),
        .target(
            name: "SkeinCollector",
            dependencies: [
                "CSkeinProcessor", "SkeinYAML", "SkeinShipping", "SkeinWire", "SkeinJournal", "SkeinZeroMQ",
                "SkeinBSON", "SkeinPickle", "SkeinArchive", "SkeinCrypto", "SkeinPlatform",
            ]),

        // Adapters: each behind the trait of its name.
        .target(
            name: "SkeinLifecycle",
            dependencies: [
                "Skein",
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle",
                    condition: .when(traits: ["Lifecycle"])),
            ]),
        .target(
            name: "SkeinSwiftLog",
            dependencies: [
                "SkeinLogging", "SkeinPlatform",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["SwiftLog"])),
            ]),
        .target(
            name: "SkeinTracing",
            dependencies: [
                "SkeinLogging", "Skein", "SkeinPlatform",
                .product(
                    name: "Tracing", package: "swift-distributed-tracing",
                    condition: .when(traits: ["Tracing"])),
            ]),

        // Floor 4: thin mains.
        .executableTarget(
            name: "SkeinDaemon",
            dependencies: ["SkeinCollector", "SkeinFilter", "SkeinWire", "SkeinBSON", "SkeinPlatform"]),
        .executableTarget(
            name: "SkeinTool",
            dependencies: [
                "Skein", "SkeinFilter", "SkeinArchive", "SkeinJournal", "SkeinWire", "SkeinZeroMQ",
                "SkeinBSON",
                "SkeinPlatform",
            ]),
        .executableTarget(
            name: "SkeinDemo",
            dependencies: ["Skein", "SkeinHTTP", "SkeinSQLite", "SkeinBSON", "SkeinPlatform"]),

        // Examples: servers of others with Skein in them, each behind a trait of its own.
        .executableTarget(
            name: "SkeinHummingbirdExample",
            dependencies: [
                "SkeinLifecycle", "Skein",
                .product(
                    name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
            ],
            path: "Examples/Hummingbird"),
        .executableTarget(
            name: "SkeinVaporExample",
            dependencies: [
                "Skein", .product(name: "Vapor", package: "vapor", condition: .when(traits: ["Vapor"])),
            ],
            path: "Examples/Vapor"),

        // Benchmarks: `make bench`.
        .systemLibrary(
            name: "CSkeinBenchmarks", path: "Benchmarks/CSkeinBenchmarks", pkgConfig: "libbson-1.0",
            providers: [.apt(["libbson-dev"]), .brew(["mongo-c-driver"])]),
        .target(name: "CSkeinAllocationCount", path: "Benchmarks/CSkeinAllocationCount"),
        .executableTarget(
            name: "SkeinAllocations",
            dependencies: ["CSkeinAllocationCount", "SkeinLogging", "Skein", "SkeinPlatform"],
            path: "Benchmarks/SkeinAllocations"),
        .executableTarget(
            name: "SkeinBenchmarks",
            dependencies: [
                "CSkeinBenchmarks", "Skein", "SkeinLogging", "SkeinFilter", "SkeinStore", "SkeinZeroMQ",
                "SkeinBSON",
                "SkeinPlatform",
            ],
            path: "Benchmarks/SkeinBenchmarks"),

        // Kills what carries events and counts what arrives: `make faults`, and in short in the integration tests.
        .executableTarget(
            name: "SkeinFaults",
            dependencies: ["Skein", "SkeinArchive", "SkeinBSON", "SkeinZeroMQ", "SkeinPlatform"],
            path: "Tests/Faults"),

        // What the tests fork.
        .executableTarget(
            name: "SkeinForkProgram", dependencies: ["Skein", "SkeinPlatform"], path: "Tests/ForkProgram"),

        // Tests.
        .testTarget(name: "SkeinPlatformTests", dependencies: ["SkeinPlatform"]),
        .testTarget(name: "SkeinBSONTests", dependencies: ["SkeinBSON", "CSkeinBSON"]),
        .testTarget(name: "SkeinCryptoTests", dependencies: ["SkeinCrypto"]),
        .testTarget(name: "SkeinZeroMQTests", dependencies: ["SkeinZeroMQ", "SkeinPlatform"]),
        .testTarget(name: "SkeinJournalTests", dependencies: ["SkeinJournal", "SkeinPlatform"]),
        .testTarget(
            name: "SkeinArchiveTests", dependencies: ["SkeinArchive", "SkeinBSON", "SkeinPlatform"]),
        .testTarget(name: "SkeinPickleTests", dependencies: ["SkeinPickle", "SkeinBSON"]),
        .testTarget(name: "SkeinFilterTests", dependencies: ["SkeinFilter", "SkeinBSON"]),
        .testTarget(name: "SkeinWireTests", dependencies: ["SkeinWire", "SkeinBSON"]),
        .testTarget(
            name: "SkeinShippingTests",
            dependencies: ["SkeinShipping", "SkeinWire", "SkeinJournal", "SkeinZeroMQ", "SkeinBSON"]),
        .testTarget(
            name: "SkeinTests",
            dependencies: [
                "Skein", "SkeinFoundation", "SkeinTesting", "SkeinBSON", "SkeinWire", "SkeinZeroMQ",
                "SkeinPlatform",
            ]),
        .testTarget(
            name: "SkeinLoggingTests",
            dependencies: [
                "SkeinLogging", "SkeinTesting", "Skein", "SkeinWire", "SkeinPickle", "SkeinZeroMQ",
                "SkeinBSON",
                "SkeinPlatform",
            ]),
        .testTarget(
            name: "SkeinCollectorTests",
            dependencies: [
                "SkeinCollector", "SkeinArchive", "SkeinShipping", "SkeinWire", "SkeinJournal", "SkeinZeroMQ",
                "SkeinBSON", "SkeinCrypto", "SkeinPlatform",
            ]),
        .testTarget(
            name: "SkeinStoreTests",
            dependencies: ["SkeinStore", "SkeinSQLite", "SkeinFilter", "SkeinBSON", "SkeinPlatform"]),
        .testTarget(
            name: "SkeinToolTests",
            dependencies: [
                "SkeinTool", "SkeinArchive", "SkeinJournal", "SkeinWire", "SkeinZeroMQ", "SkeinBSON",
                "SkeinPlatform",
            ]),
        .testTarget(name: "SkeinHTTPTests", dependencies: ["SkeinHTTP", "SkeinSQLite", "SkeinPlatform"]),
        .testTarget(
            name: "SkeinDemoTests",
            dependencies: [
                "SkeinDemo", "SkeinDaemon", "SkeinTool", "SkeinHTTP", "SkeinBSON", "SkeinPlatform",
            ]),
        .testTarget(
            name: "SkeinLifecycleTests",
            dependencies: [
                "SkeinLifecycle", "Skein", "SkeinPlatform",
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle",
                    condition: .when(traits: ["Lifecycle"])),
                .product(
                    name: "UnixSignals", package: "swift-service-lifecycle",
                    condition: .when(traits: ["Lifecycle"])),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Lifecycle"])),
            ]),
        .testTarget(
            name: "SkeinSwiftLogTests",
            dependencies: [
                "SkeinSwiftLog", "SkeinTesting", "SkeinLogging", "Skein",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["SwiftLog"])),
            ]),
        .testTarget(
            name: "SkeinTracingTests",
            dependencies: [
                "SkeinTracing", "SkeinTesting", "SkeinLogging", "Skein", "SkeinPlatform",
                .product(
                    name: "Tracing", package: "swift-distributed-tracing",
                    condition: .when(traits: ["Tracing"])),
            ]),
        .testTarget(
            name: "SkeinIntegrationTests",
            dependencies: [
                "Skein", "SkeinLogging", "SkeinTesting", "SkeinBSON", "SkeinPickle", "SkeinWire",
                "SkeinZeroMQ",
                "SkeinPlatform",
            ]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
}
