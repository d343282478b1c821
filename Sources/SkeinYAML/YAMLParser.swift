internal import CSkeinYAML

/// Reads one YAML document with libyaml, keeping the place of every value.
///
/// Stricter than YAML where laxness hides mistakes: a key that stands twice in a mapping, a second document, an alias
/// of something not finished, and more than 100,000 values (aliases counted where they are used) are mistakes.
package final class YAMLParser {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var anchors: [String: YAMLNode] = [:]
    private var budget = 100_000

    /// Parses `text`.
    /// - Returns: nil if the document is empty.
    package static func parse(_ text: [UInt8]) throws(YAMLError) -> YAMLNode? {
        let parser = YAMLParser()
        return try text.withUnsafeBufferPointer { (bytes) throws(YAMLError) in
            yaml_parser_set_input_string(parser.parser, bytes.baseAddress, bytes.count)
            return try parser.document()
        }
    }

    private init() {
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    private struct Event {
        var kind: yaml_event_type_t
        var mark: YAMLNode.Mark
        var text = ""
        var anchor: String?
        var isPlain = false
    }

    private func document() throws(YAMLError) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.kind {
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
            case YAML_DOCUMENT_START_EVENT:
                guard root == nil else { throw mistake(event.mark, "a second document; expected one") }
                root = try node(try next(), depth: 0)
            case YAML_STREAM_END_EVENT: return root
            default: throw mistake(event.mark, "unexpected content")
            }
        }
    }

    private func node(_ event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
        guard depth < 32 else { throw mistake(event.mark, "values nest more than 32 deep") }
        try spend(1, event.mark)
        let node: YAMLNode
        switch event.kind {
        case YAML_SCALAR_EVENT:
            node = YAMLNode(content: .scalar(event.text, isPlain: event.isPlain), mark: event.mark)
        case YAML_SEQUENCE_START_EVENT:
            var items: [YAMLNode] = []
            while case let item = try next(), item.kind != YAML_SEQUENCE_END_EVENT {
                items.append(try self.node(item, depth: depth + 1))
            }
            node = YAMLNode(content: .sequence(items), mark: event.mark)
        case YAML_MAPPING_START_EVENT:
            node = YAMLNode(content: .mapping(try mapping(depth: depth)), mark: event.mark)
        case YAML_ALIAS_EVENT:
            guard var known = anchors[event.text] else {
                throw mistake(event.mark, "alias *\(event.text) has no finished anchor before it")
            }
            try spend(size(known), event.mark)
            known.mark = event.mark
            return known
        default: throw mistake(event.mark, "unexpected content")
        }
        if let anchor = event.anchor { anchors[anchor] = node }
        return node
    }

    private func mapping(depth: Int) throws(YAMLError) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var lines: [String: Int] = [:]
        while case let event = try next(), event.kind != YAML_MAPPING_END_EVENT {
            let key = try node(event, depth: depth + 1)
            guard let text = key.text else {
                throw mistake(key.mark, "\(key.kind) as a key; expected a name")
            }
            if let line = lines.updateValue(key.mark.line, forKey: text) {
                throw mistake(
                    key.mark, "\"\(text)\" stands here for the second time; it is on line \(line) already")
            }
            entries.append(YAMLEntry(key: key, value: try node(try next(), depth: depth + 1)))
        }
        return entries
    }

    private func size(_ node: YAMLNode) -> Int {
        switch node.content {
        case .scalar: 1
        case .sequence(let items): items.reduce(1) { $0 + size($1) }
        case .mapping(let entries): entries.reduce(1) { $0 + 1 + size($1.value) }
        }
    }

    private func spend(_ count: Int, _ mark: YAMLNode.Mark) throws(YAMLError) {
        budget -= count
        guard budget >= 0 else { throw mistake(mark, "more than 100,000 values") }
    }

    private func next() throws(YAMLError) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) != 0 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "no YAML"
            let mark =
                parser.pointee.error == YAML_READER_ERROR
                ? YAMLNode.Mark(line: 1, column: 1) : Self.mark(parser.pointee.problem_mark)
            throw mistake(mark, problem)
        }
        defer { yaml_event_delete(&raw) }
        var event = Event(kind: raw.type, mark: Self.mark(raw.start_mark))
        func text(_ pointer: UnsafePointer<yaml_char_t>?) -> String? { pointer.map { String(cString: $0) } }
        switch raw.type {
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            event.text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            event.anchor = text(scalar.anchor)
        case YAML_ALIAS_EVENT: event.text = text(raw.data.alias.anchor) ?? ""
        case YAML_SEQUENCE_START_EVENT: event.anchor = text(raw.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT: event.anchor = text(raw.data.mapping_start.anchor)
        default: break
        }
        return event
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLNode.Mark {
        YAMLNode.Mark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func mistake(_ mark: YAMLNode.Mark, _ message: String) -> YAMLError {
        YAMLError(mark: mark, message: message)
    }
}
