import SkeinBSON

/// The fields of a body one by one, documents inside it by their dotted paths.
enum FieldWalk {
    private static let mostDepth = 16

    /// Calls `visit` for each field that is no document (an array is one field), in order, until it returns false.
    static func leaves(of view: BSONView, _ visit: (_ path: String, BSONElement) -> Bool) {
        _ = walk(view, prefix: "", depth: 0, visit)
    }

    private static func walk(
        _ view: BSONView, prefix: String, depth: Int, _ visit: (String, BSONElement) -> Bool
    ) -> Bool {
        var elements = view.makeElements()
        while let element = elements.nextIfValid() {
            var path = prefix
            SafeText.append(element.key, to: &path)
            if element.type == .document, depth < mostDepth, let inner = element.document, !inner.isEmpty {
                if !walk(inner, prefix: path + ".", depth: depth + 1, visit) { return false }
            } else if !visit(path, element) {
                return false
            }
        }
        return true
    }
}
