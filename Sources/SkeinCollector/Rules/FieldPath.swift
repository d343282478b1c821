import SkeinBSON

/// Dotted names of fields, as the filter language and `add:` have them: what begins with no key of the envelope is the body's.
enum FieldPath {
    /// The steps from the event's top.
    static func steps(_ path: String) -> [String] {
        let words = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let first = words.first else { return [] }
        return KeyPattern.kept.contains(first) || KeyPattern.free.contains(first) ? words : ["body"] + words
    }

    /// The steps, if a rule may put a value there.
    static func check(_ path: String) throws(BadValue) {
        let words = path.split(separator: ".", omittingEmptySubsequences: false)
        guard words.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) }), path.utf8.count <= 512,
            words.count <= KeyPattern.maximumSteps
        else {
            throw BadValue("\"\(path)\" is no path", accepts: "names with dots between them, as cache.hit")
        }
        let steps = steps(path)
        guard steps.count > 1, steps[0] == "body" else {
            throw BadValue(
                "\(path) is what makes an event, and no rule's to set", accepts: "a path below the body")
        }
    }
}
