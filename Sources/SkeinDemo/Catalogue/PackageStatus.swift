/// One installed package, as the machine's package database has it.
struct InstalledPackage: Equatable {
    /// One way to satisfy a dependency.
    struct Alternative: Equatable {
        var name: String
        /// `>= 2.34`, or empty.
        var constraint: String
    }

    var name: String
    var version = ""
    var architecture = ""
    var section = ""
    var priority = ""
    var installedKiB = 0
    var maintainer = ""
    /// The first line of the description.
    var summary = ""
    /// The rest of it.
    var description = ""
    /// What it needs, each with its alternatives: Pre-Depends, then Depends.
    var dependencies: [[Alternative]] = []
    /// Other names it answers to.
    var provides: [String] = []
}

/// The parser of `/var/lib/dpkg/status`: stanzas of `Field: value` lines, continued by lines that begin with a blank.
///
/// Written for a file that may be damaged: a line that is no field is passed over, a stanza without a name or of a
/// package that is not installed is left out, what is too long is cut; all of it counted. It holds one stanza at a time.
struct PackageStatusParser {
    /// What a file had.
    struct Counts: Equatable {
        var packages = 0
        /// Stanzas of packages that are removed, or only configured.
        var notInstalled = 0
        /// Stanzas without a usable name.
        var nameless = 0
        /// Lines that are neither a field nor the continuation of one.
        var strayLines = 0
        /// Fields that were cut.
        var cut = 0
    }

    private(set) var counts = Counts()

    /// Of one field; the longest on real machines have some 20 KiB.
    static let maximumFieldBytes = 128 << 10
    private static let wanted: Set<String> = [
        "package", "status", "version", "architecture", "section", "priority", "installed-size", "maintainer",
        "description", "depends", "pre-depends", "provides",
    ]

    private var fields: [String: String] = [:]
    /// The field that a continuation belongs to; nil inside one that is not wanted.
    private var current: String?
    private var isInField = false

    /// Takes the next line, without its line break. Answers a package when the line ends its stanza.
    mutating func take(_ line: Substring.UTF8View) -> InstalledPackage? {
        let blank = UInt8(ascii: " ")
        let tab = UInt8(ascii: "\t")
        guard let first = line.first, line.contains(where: { $0 != blank && $0 != tab && $0 != 0x0D }) else {
            return finish()
        }
        if first == blank || first == tab {
            guard isInField else {
                counts.strayLines += 1
                return nil
            }
            if let current { append("\n" + Self.trimmed(line), to: current) }
            return nil
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon != line.startIndex else {
            counts.strayLines += 1
            isInField = false
            current = nil
            return nil
        }
        let name = String(Substring(line[..<colon])).lowercased()
        isInField = true
        current = Self.wanted.contains(name) ? name : nil
        if let current {
            fields[current] = ""
            append(Self.trimmed(line[line.index(after: colon)...]), to: current)
        }
        return nil
    }

    /// The end of a stanza, or of the file.
    mutating func finish() -> InstalledPackage? {
        defer {
            fields = [:]
            current = nil
            isInField = false
        }
        guard !fields.isEmpty else { return nil }
        guard let name = fields["package"], Self.isName(name) else {
            counts.nameless += 1
            return nil
        }
        // The third word: `install ok installed`. A list of what is available has no status at all.
        if let status = fields["status"], status.split(separator: " ").last != "installed" {
            counts.notInstalled += 1
            return nil
        }
        counts.packages += 1
        var package = InstalledPackage(name: name)
        package.version = fields["version"] ?? ""
        package.architecture = fields["architecture"] ?? ""
        package.section = fields["section"] ?? ""
        package.priority = fields["priority"] ?? ""
        package.installedKiB = fields["installed-size"].flatMap { Int($0) } ?? 0
        package.maintainer = fields["maintainer"] ?? ""
        let description = (fields["description"] ?? "").split(
            separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        package.summary = description.first.map(String.init) ?? ""
        package.description = description.count > 1 ? String(description[1]) : ""
        package.dependencies =
            Self.relations(fields["pre-depends"] ?? "") + Self.relations(fields["depends"] ?? "")
        package.provides = Self.relations(fields["provides"] ?? "").compactMap { $0.first?.name }
        return package
    }

    private mutating func append(_ text: String, to field: String) {
        let room = Self.maximumFieldBytes - (fields[field]?.utf8.count ?? 0)
        guard text.utf8.count > room else {
            fields[field, default: ""] += text
            return
        }
        counts.cut += 1
        fields[field, default: ""] += String(decoding: text.utf8.prefix(max(0, room)), as: UTF8.self)
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let start = text.drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(Substring(start[...last]))
    }

    /// `libc6 (>= 2.34), default-mta | mail-transport-agent, python3:any`.
    static func relations(_ text: String) -> [[InstalledPackage.Alternative]] {
        text.utf8.split(separator: UInt8(ascii: ",")).compactMap { group in
            let alternatives = group.split(separator: UInt8(ascii: "|")).compactMap(alternative)
            return alternatives.isEmpty ? nil : alternatives
        }
    }

    private static func alternative(_ text: Substring.UTF8View) -> InstalledPackage.Alternative? {
        let whole = trimmed(text)
        // What ends a name: a version, an architecture, a build profile.
        let name = whole.prefix { !" \t\n(:[<".contains($0) }
        guard isName(String(name)) else { return nil }
        var constraint = ""
        if let open = whole.firstIndex(of: "("), let close = whole[open...].firstIndex(of: ")") {
            constraint = whole[whole.index(after: open)..<close].split(separator: " ").joined(separator: " ")
        }
        return .init(name: String(name), constraint: constraint)
    }

    /// Letters, digits and `+-._`, at most 200 bytes. (Debian's policy is stricter; foreign packages are not.)
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 200
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "-"),
                    UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
