import SkeinBSON

/// The language as its page says, over decoded documents.
struct Reference {
    let event: BSONDocument

    init(_ event: BSONDocument) {
        self.event = event
    }

    func holds(_ node: PropertyTests.Node) -> Bool {
        switch node {
        case .all(let parts): return parts.allSatisfy(holds)
        case .any(let parts): return parts.contains(where: holds)
        case .not(let inner): return !holds(inner)
        case .exists(let field): return !reached(field).isEmpty
        case .compare(let field, "!=", let number): return none(field) { compare($0, number) == 0 }
        case .compare(let field, let sign, let number):
            return values(field).contains { ordered(sign, compare($0, number)) }
        case .text(let field, "!=", let text): return none(field) { self.text($0) == Array(text.utf8) }
        case .text(let field, let sign, let text):
            return values(field).contains { value in
                guard let own = self.text(value) else { return false }
                let other = Array(text.utf8)
                return ordered(sign, own == other ? 0 : own.lexicographicallyPrecedes(other) ? -1 : 1)
            }
        case .bool(let field, let bool): return values(field).contains { $0 == .bool(bool) }
        case .null(let field): return values(field).contains { $0 == .null || $0 == .undefined }
        case .inList(let field, let numbers, let isNegated):
            let isIn = { (value: BSONValue) in numbers.contains { compare(value, $0) == 0 } }
            return isNegated ? none(field, isIn) : values(field).contains(where: isIn)
        }
    }

    private func none(_ field: String, _ test: (BSONValue) -> Bool) -> Bool {
        !reached(field).isEmpty && !values(field).contains(where: test)
    }

    /// What a field's path leads to, arrays not taken apart at its end.
    private func reached(_ field: String) -> [BSONValue] {
        var steps = field.split(separator: ".").map(String.init)[...]
        let envelope = [
            "id", "type", "host", "pid", "start", "end", "body", "span", "parent", "trace", "service", "rate",
            "level", "error",
        ]
        if !envelope.contains(steps[0]) { steps = ["body"] + steps }
        return walk(.document(event), steps)
    }

    private func walk(_ value: BSONValue, _ steps: ArraySlice<String>) -> [BSONValue] {
        guard let step = steps.first else { return [value] }
        switch value {
        case .document(let document):
            for element in document where element.key == step {
                return walk(element.value, steps.dropFirst())
            }
            return []
        case .array(let array):
            let elements = array.map(\.value)
            if let index = Int(step) {
                return index < elements.count ? walk(elements[index], steps.dropFirst()) : []
            }
            return elements.flatMap { (element: BSONValue) -> [BSONValue] in
                if case .document = element { return walk(element, steps) }
                return []
            }
        default: return []
        }
    }

    /// The values to compare: an array's elements, but for arrays.
    private func values(_ field: String) -> [BSONValue] {
        reached(field).flatMap { value in
            guard case .array(let array) = value else { return [value] }
            return array.map(\.value).filter { if case .array = $0 { false } else { true } }
        }
    }

    private func compare(_ value: BSONValue, _ number: Int64) -> Int? {
        let other = Double(number)
        let own: Double
        switch value {
        case .int32(let value): own = Double(value)
        case .int64(let value): own = Double(value)
        case .double(let value): own = value
        case .datetime(let value): own = Double(value) / 1000
        default: return nil
        }
        return own == other ? 0 : own < other ? -1 : own > other ? 1 : nil
    }

    private func text(_ value: BSONValue) -> [UInt8]? {
        switch value {
        case .string(let text), .symbol(let text): Array(text.utf8)
        case .binary(let binary) where binary.subtype == 0: binary.bytes
        default: nil
        }
    }

    private func ordered(_ sign: String, _ comparison: Int?) -> Bool {
        guard let comparison else { return false }
        return switch sign {
        case "=": comparison == 0
        case "<": comparison < 0
        case "<=": comparison <= 0
        case ">": comparison > 0
        default: comparison >= 0
        }
    }
}
