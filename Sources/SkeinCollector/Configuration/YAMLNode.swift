/// A value of a YAML file with its place. Scalars stay text: what reads a key knows what it expects.
struct YAMLNode {
    /// Line and column, from 1.
    struct Mark: Hashable {
        var line: Int
        var column: Int
    }

    enum Content {
        /// A scalar. `isPlain` tells `null` and `~` from text in quotes.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// Keys in order, each once.
        case mapping([YAMLEntry])
    }

    var content: Content
    var mark: Mark

    /// What it is, for messages.
    var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// `key:` with nothing behind it, `~` or `null`.
    var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content {
            ["", "~", "null", "Null", "NULL"].contains(text)
        } else {
            false
        }
    }

    /// The text of a scalar that is not null.
    var text: String? {
        if case .scalar(let text, _) = content, !isNull { text } else { nil }
    }
}

/// A key of a mapping with its value.
struct YAMLEntry {
    var key: YAMLNode
    var value: YAMLNode
}
