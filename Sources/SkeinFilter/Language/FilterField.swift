/// A field that a filter speaks of: where it begins, and the steps from there.
struct FilterField {
    /// Where the steps begin.
    var root: EnvelopeKey
    var steps: [[UInt8]]

    /// The first step of a name decides: a key of the envelope, `body`, or else a field of the body.
    /// - Returns: nil for a path into `elapsed`, which is a number.
    init?(_ path: [[UInt8]]) {
        guard let first = path.first else { return nil }
        guard let key = EnvelopeKey(name: first) else {
            root = .body
            steps = path
            return
        }
        if key == .elapsed, path.count > 1 { return nil }
        root = key
        steps = Array(path.dropFirst())
    }
}

/// The keys of the envelope (`Docs/EventDocument.md`), and what is made of them.
enum EnvelopeKey: UInt8, CaseIterable {
    case id, type, host, pid, start, end, body, span, parent, trace, service, rate, level, error
    /// `end` − `start`; no key.
    case elapsed

    /// How many stand in a document.
    static let stored = 14

    init?(name: [UInt8]) {
        guard let key = Self.allCases.first(where: { Array("\($0)".utf8) == name }) else { return nil }
        self = key
    }

    /// A key by its bytes as a little-endian word; none has more than seven.
    @inline(__always)
    init?(word: UInt64) {
        switch word {
        case 0x6469: self = .id
        case 0x6570_7974: self = .type
        case 0x7473_6F68: self = .host
        case 0x64_6970: self = .pid
        case 0x74_7261_7473: self = .start
        case 0x64_6E65: self = .end
        case 0x7964_6F62: self = .body
        case 0x6E61_7073: self = .span
        case 0x746E_6572_6170: self = .parent
        case 0x65_6361_7274: self = .trace
        case 0x65_6369_7672_6573: self = .service
        case 0x6574_6172: self = .rate
        case 0x6C_6576_656C: self = .level
        case 0x72_6F72_7265: self = .error
        default: return nil
        }
    }

    /// What finding it costs, against the others.
    var cost: Int {
        switch self {
        case .id, .type, .host, .pid: 1
        case .start, .end: 2
        case .elapsed: 3
        case .span, .parent, .trace, .service, .rate, .level, .error: 4
        case .body: 6
        }
    }
}
