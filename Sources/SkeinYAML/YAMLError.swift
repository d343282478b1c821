/// Why a text is no YAML document that we take, and where.
package struct YAMLError: Error, Sendable {
    /// Where it was noticed.
    package let mark: YAMLNode.Mark
    /// What is wrong, and what was expected.
    package let message: String
}
