import Foundation
import Testing

@testable import SkeinDemo

@Suite struct PackageStatusTests {
    private func parse(_ text: String) throws -> (
        packages: [InstalledPackage], counts: PackageStatusParser.Counts
    ) {
        try parse(Array(text.utf8))
    }

    private func parse(_ bytes: [UInt8]) throws -> (
        packages: [InstalledPackage], counts: PackageStatusParser.Counts
    ) {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "status-\(UUID().uuidString)"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        var packages: [InstalledPackage] = []
        let counts = try StatusFile.read(path) { packages.append($0) }
        return (packages, counts)
    }

    @Test func `a stanza becomes a package`() throws {
        let (packages, counts) = try parse(
            """
            Package: mutt
            Status: install ok installed
            Priority: optional
            Section: mail
            Installed-Size: 7104
            Maintainer: Mutt maintainers <mutt@packages.debian.org>
            Architecture: amd64
            Version: 2.2.12-0.1
            Provides: mail-reader, imap-client
            Depends: libc6 (>= 2.34), default-mta | mail-transport-agent, python3:any
            Pre-Depends: dpkg (>=1.17)
            Conffiles:
             /etc/Muttrc a04d23f9bf19c79b2bd0bf57f3ee9c10
            Description: text-based mailreader
             Mutt is a sophisticated reader.
             .
             It supports threads.

            """)
        #expect(counts == .init(packages: 1))
        let mutt = try #require(packages.first)
        #expect(mutt.name == "mutt")
        #expect(mutt.version == "2.2.12-0.1")
        #expect(mutt.installedKiB == 7104)
        #expect(mutt.summary == "text-based mailreader")
        #expect(mutt.description == "Mutt is a sophisticated reader.\n.\nIt supports threads.")
        #expect(mutt.provides == ["mail-reader", "imap-client"])
        #expect(
            mutt.dependencies == [
                [.init(name: "dpkg", constraint: ">=1.17")], [.init(name: "libc6", constraint: ">= 2.34")],
                [
                    .init(name: "default-mta", constraint: ""),
                    .init(name: "mail-transport-agent", constraint: ""),
                ],
                [.init(name: "python3", constraint: "")],
            ])
    }

    @Test func `what is removed, nameless or no field is counted and left out`() throws {
        let (packages, counts) = try parse(
            """
             a continuation of nothing
            Package: gone
            Status: deinstall ok config-files

            Version: 1

            Package: ../../etc/passwd
            Status: install ok installed


            no field
             nor its continuation
            : no name
            Package: kept
            STATUS: install ok installed
            Depends: , | , ok (broken, , ;bad;
            """)
        #expect(packages.map(\.name) == ["kept"])
        #expect(packages.first?.dependencies == [[.init(name: "ok", constraint: "")]])
        #expect(counts == .init(packages: 1, notInstalled: 1, nameless: 2, strayLines: 4))
    }

    @Test func `a file without a final line break, with CRLF or with bytes that are no text is read`() throws
    {
        let (packages, _) = try parse(
            Array("Package: a\r\nVersion: 1\r\n\r\nPackage: b\nDescription: ".utf8) + [0xFF, 0x00, 0xC3])
        #expect(packages.map(\.name) == ["a", "b"])
        #expect(packages.first?.version == "1")
        #expect(packages.last?.summary.contains("\u{FFFD}") == true)
    }

    @Test func `a field or a line without end is cut`() throws {
        let endless = String(repeating: " x\n", count: 300_000)
        let line = String(repeating: "y", count: 3 << 20)
        let (packages, counts) = try parse(
            "Package: a\nDescription: s\n\(endless)\nPackage: b\nVersion: \(line)\n")
        #expect(packages.map(\.name) == ["a", "b"])
        #expect(packages.allSatisfy { $0.description.utf8.count <= PackageStatusParser.maximumFieldBytes })
        #expect(packages.last?.version.utf8.count == PackageStatusParser.maximumFieldBytes)
        #expect(counts.cut > 0)
    }

    @Test func `noise of every kind is survived`() throws {
        var generator = SeededGenerator(seed: 7)
        let pieces = [
            "Package", ":", " ", "\n", "\n\n", "a", "Depends: ", "|", ",", "(", ")", "\0", "\t", "é",
            "Status: installed\n",
        ]
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            let (packages, counts) = try parse(text)
            #expect(packages.count == counts.packages)
            #expect(packages.allSatisfy { PackageStatusParser.isName($0.name) })
        }
    }

    @Test func `a file that is not there is told by name`() {
        let error = #expect(throws: DemoError.self) { try StatusFile.read("/nowhere/status") { _ in } }
        #expect(error?.description.contains("/nowhere/status") == true)
        #expect(error?.description.contains("ENOENT") == true)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dpkg-query")))
    func `the machine's own packages are those that dpkg lists`() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/dpkg-query")
        process.arguments = ["-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Installed-Size}\\n"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let listed = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let expected = listed.split(separator: "\n").filter { $0.hasPrefix("installed ") }.map {
            $0.dropFirst(10)
        }
        var ours: [String] = []
        _ = try StatusFile.read("/var/lib/dpkg/status") { package in
            ours.append(
                "\(package.name) \(package.version) \(package.installedKiB == 0 ? "" : "\(package.installedKiB)")"
            )
        }
        #expect(ours.sorted() == expected.map(String.init).sorted())
    }
}
