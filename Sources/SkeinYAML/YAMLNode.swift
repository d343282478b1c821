/// A value of a YAML file with its place. Scalars stay text: what reads a key knows what it expects.
package struct YAMLNode {
    /// Line and column, from 1.
    package struct Mark: Hashable, Sendable {
        package var line: Int
        package var column: Int
    }

    package enum Content {
        /// A scalar. `isPlain` tells `null` and `~` from text in quotes.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// Keys in order, each once.
        case mapping([YAMLEntry])
    }

    package var content: Content
    package var mark: Mark

    /// What it is, for messages.
    package var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// `key:` with nothing behind it, `~` or `null`.
    package var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content {
            ["", "~", "null", "Null", "NULL"].contains(text)
        } else {
            false
        }
    }

    /// The text of a scalar that is not null.
    package var text: String? {
        if case .scalar(let text, _) = content, !isNull { text } else { nil }
    }
}

/// A key of a mapping with its value.
package struct YAMLEntry {
    package var key: YAMLNode
    package var value: YAMLNode
}
