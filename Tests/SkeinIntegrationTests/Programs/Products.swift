import Foundation

/// Where the programs under test and the repository are.
enum Products {
    /// A built product: SwiftPM puts it beside the test bundle.
    static func path(of name: String) throws -> String {
        for folder in candidates {
            let path = folder.appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Missing(description: "no \(name) in \(candidates.map(\.path)); `swift build` makes it")
    }

    /// The folder that Package.swift is in.
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The Python of `make test`, which has the packages of Tests/Python/requirements.txt.
    static func python() throws -> String {
        let path = repository.appendingPathComponent(".venv/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Missing(description: "no \(path); `make test` makes it")
        }
        return path
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String
    }

    private static let candidates: [URL] = {
        var program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        #if os(Linux)
            program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        #endif
        var folders = [program.deletingLastPathComponent()]
        // On macOS the bundle is a folder, and runs inside a helper of the toolchain's.
        for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
            folders.append(bundle.bundleURL.deletingLastPathComponent())
        }
        return folders
    }()
}
