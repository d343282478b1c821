import SkeinBSON
import SkeinYAML

extension YAMLNode {
    /// The value as a document of Extended JSON says it: plain numbers, `true`, `false` and `null` are what they look like, all
    /// else is text; `{ $date: … }` and the like are the types of BSON.
    func bsonValue() throws(BadValue) -> BSONValue {
        var text = "{\"\":"
        write(to: &text)
        text += "}"
        do {
            let document = try ExtendedJSON.decode(text)
            return document[""] ?? .null
        } catch {
            throw BadValue(
                "\(error)", accepts: "a value, or Extended JSON as { $date: \"2026-11-20T10:00:00Z\" }")
        }
    }

    private func write(to text: inout String) {
        switch content {
        case .scalar(let scalar, let isPlain):
            if isNull {
                text += "null"
            } else if isPlain, ["true", "false"].contains(scalar) || Self.isNumber(scalar) {
                text += scalar
            } else {
                Self.quote(scalar, to: &text)
            }
        case .sequence(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.write(to: &text)
            }
            text += "]"
        case .mapping(let entries):
            text += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { text += "," }
                Self.quote(entry.key.text ?? "", to: &text)
                text += ":"
                entry.value.write(to: &text)
            }
            text += "}"
        }
    }

    /// As JSON has numbers.
    private static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits() -> Bool {
            let count = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            rest = rest.dropFirst(count)
            return count > 0
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let isPadded = rest.first == 0x30 && rest.dropFirst().first.map { $0 >= 0x30 && $0 <= 0x39 } == true
        guard !isPadded, digits() else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() else { return false }
        }
        if let sign = rest.first, sign | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                rest = rest.dropFirst()
            }
            guard digits() else { return false }
        }
        return rest.isEmpty
    }

    private static func quote(_ scalar: String, to text: inout String) {
        text += "\""
        for character in scalar.unicodeScalars {
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where character.value < 0x20:
                let digits = String(character.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(character)
            }
        }
        text += "\""
    }
}
