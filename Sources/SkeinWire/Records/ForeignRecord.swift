public import SkeinBSON
import SkeinPlatform

/// Makes an event of a log record that another program wrote: attributes of Python's `LogRecord`, wherever they came from.
///
/// `Docs/EventDocument.md`, "Records of other programs", has the table. Takes any document: attributes may be missing, of other
/// types, or thousands. About 2 µs for a record of 25 attributes. Any thread.
///
/// ```swift
/// let attributes: BSONDocument = ["name": "shop", "levelno": 30, "msg": "no stock", "created": 1_700_000_000.5]
/// let event = try ForeignRecord(system: "P", kind: "L").event(attributes, arrival: 0)
/// ```
public struct ForeignRecord: Sendable {
    /// The letter of the system that it comes from, if its protocol has such: `T`, `S`, `P`.
    public var system: String?
    /// The letter of its kind: `L` is a log record, `P` a measurement.
    public var kind: String

    /// - Parameter kind: `L` or `P`, as Distlog has them.
    public init(system: String? = nil, kind: String = "L") {
        self.system = system
        self.kind = kind
    }

    /// The type of the events.
    public var type: String { kind == "P" ? "performance" : "log" }

    /// The event.
    ///
    /// - Parameters:
    ///   - attributes: at most 16 MiB, nested at most 96 deep.
    ///   - arrival: Unix nanoseconds, for a record that does not say when it was made.
    /// - Throws: `badRecord` for a log record without a message.
    public func event(_ attributes: BSONDocument, arrival: Int64) throws(RejectReason) -> [UInt8] {
        try attributes.withView { (view) throws(RejectReason) in try event(view, arrival: arrival) }
    }

    /// The same for attributes that stand elsewhere.
    public func event(_ attributes: BSONView, arrival: Int64) throws(RejectReason) -> [UInt8] {
        let draft = Draft(attributes)
        guard kind == "P" || draft[.message] != nil || draft[.msg] != nil else { throw .badRecord }
        let level = draft.level
        let start = draft.created ?? Double(arrival) * 1e-9
        let key = draft.key
        let id = id(key, start)
        var event = BSONBuilder(capacity: attributes.bytes.count + 512)
        event.append("id", string: id)
        event.append("type", string: type)
        event.append("host", string: draft.host ?? "unknown")
        event.append("pid", int32: draft.pid ?? 0)
        event.append("start", double: start)
        event.append("end", double: start)
        event.appendDocument("body") { body(draft, level, &$0) }
        event.append("span", string: Hex.string(key?.span ?? max(1, KernelRandom.word())))
        if let parent = key?.parent { event.append("parent", string: Hex.string(parent)) }
        if TraceID(hex: id) == nil {
            event.append("trace", string: TraceID(derivedFrom: id.utf8).description)
        }
        // A measurement is a record only if it says so.
        if kind != "P" || draft[.levelno] != nil { event.append("level", int32: level) }
        return event.finish().bytes
    }

    /// The root of the record's task, or a new id.
    private func id(_ key: RecordKey?, _ start: Double) -> String {
        if let root = key?.root, !root.isEmpty {
            guard root.utf8.count > EventLimits.idBytes else { return root }
            // At a character's border.
            var cut = EventLimits.idBytes
            while cut > 0, root.utf8[root.utf8.index(root.startIndex, offsetBy: cut)] & 0xC0 == 0x80 {
                cut -= 1
            }
            return String(decoding: root.utf8.prefix(cut), as: UTF8.self)
        }
        let seconds = start > 0 && start < 4_294_967_296 ? UInt64(start) : 0
        return TraceID(
            high: seconds << 32 | KernelRandom.word() & 0xFFFF_FFFF, low: max(1, KernelRandom.word())
        )
        .description
    }

    // MARK: The body

    private func body(_ draft: Draft, _ level: Int32, _ body: inout BSONBuilder) {
        draft.append(.name, as: "name", to: &body)
        if draft[.levelname] == nil { body.append("level", string: LevelName.name(level)) }
        draft.append(.levelname, as: "level", to: &body)
        if let text = draft.message {
            body.append("msg", string: text)
        } else {
            draft.append(draft[.message] == nil ? .msg : .message, as: "msg", to: &body)
        }
        if let text = draft.exception {
            body.append("exception", string: text)
        } else {
            draft.append(.excText, as: "exception", to: &body)
        }
        for (attribute, key) in RecordAttribute.placed { draft.append(attribute, as: key, to: &body) }
        if !draft.extra.isEmpty {
            body.appendDocument("data") { data in for element in draft.extra { data.append(element) } }
        }
        if !draft.meta.isEmpty {
            body.appendDocument("meta") { meta in for element in draft.meta { meta.append(element) } }
        }
        draft.append(.context, as: "context", to: &body)
        if let system {
            body.append("distlog", document: ["system": .string(system), "kind": .string(kind)])
        }
    }
}

/// The attributes sorted by where they go.
private struct Draft {
    private var known: [RecordAttribute: BSONElement] = [:]
    private(set) var extra: [BSONElement] = []
    private(set) var meta: [BSONElement] = []

    init(_ attributes: BSONView) {
        var elements = attributes.makeElements()
        while let element = elements.nextIfValid() {
            guard let attribute = RecordAttribute(key: element.key) else {
                extra.append(element)
                continue
            }
            if !element.isAbsent { known[attribute] = element }
            if isMeta(attribute, element) { meta.append(element) }
        }
    }

    /// nil if it is absent or null.
    subscript(attribute: RecordAttribute) -> BSONElement? { known[attribute] }

    func append(_ attribute: RecordAttribute, as key: String, to builder: inout BSONBuilder) {
        if let element = known[attribute], let value = try? element.bsonValue() { builder.append(key, value) }
    }

    /// Whether an attribute is kept as it came: all that have no place of their own, and those that do not fit theirs.
    private func isMeta(_ attribute: RecordAttribute, _ element: BSONElement) -> Bool {
        switch attribute {
        case .name, .levelname, .pathname, .lineno, .funcName, .module, .threadName, .message, .excText,
            .context:
            false
        case .levelno: element.integer == nil && !element.isAbsent
        case .created: Self.seconds(element) == nil && !element.isAbsent
        case .hostname: element.text == nil && !element.isAbsent
        default: true
        }
    }

    // MARK: The envelope

    var created: Double? { known[.created].flatMap(Self.seconds) }

    private static func seconds(_ element: BSONElement) -> Double? {
        guard let number = element.number, number.isFinite, number >= 0, number < 1e12 else { return nil }
        return number
    }

    var host: String? {
        guard let host = known[.hostname]?.text, !host.isEmpty else { return nil }
        return host
    }

    var pid: Int32? { known[.process]?.integer.flatMap { Int32(exactly: $0) } }

    var level: Int32 {
        if let number = known[.levelno]?.integer { return Int32(clamping: number) }
        return known[.levelname]?.text.flatMap(LevelName.level) ?? 20
    }

    var key: RecordKey? {
        known[.context]?.document?.first("key")?.text.flatMap { RecordKey($0) }
    }

    // MARK: Text

    /// `message` with its line breaks, as far as `msg` shows that it had any; nil if it is no text.
    ///
    /// Distlog writes a line break as the two characters `\n` and leaves a backslash that stood there before as it is, so
    /// that `C:\new` cannot be told from a line break by itself.
    var message: String? {
        guard let message = known[.message]?.text else { return nil }
        guard let template = known[.msg]?.text, template.utf8.contains(0x0A), !template.contains("\\n") else {
            if let template = known[.msg]?.text, template.replacing("\n", with: "\\n") == message {
                return template
            }
            return message
        }
        return message.replacing("\\n", with: "\n")
    }

    /// `exc_text` with its line breaks: a traceback has several lines, so one that has none had them replaced.
    var exception: String? {
        guard let text = known[.excText]?.text else { return nil }
        return text.utf8.contains(0x0A) ? text : text.replacing("\\n", with: "\n")
    }
}

extension BSONElement {
    fileprivate var isAbsent: Bool { type == .null || type == .undefined }
}
