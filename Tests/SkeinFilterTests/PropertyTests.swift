import SkeinBSON
import SkeinFilter
import Testing

/// Random filters over random documents: the program against an evaluator that decodes everything and knows no short cut.
struct PropertyTests {
    indirect enum Node {
        case all([Node])
        case any([Node])
        case not(Node)
        case compare(String, String, Int64)
        case text(String, String, String)
        case exists(String)
        case bool(String, Bool)
        case null(String)
        case inList(String, [Int64], isNegated: Bool)

        var filter: String {
            switch self {
            case .all(let parts): "(" + parts.map(\.filter).joined(separator: " and ") + ")"
            case .any(let parts): "(" + parts.map(\.filter).joined(separator: " or ") + ")"
            case .not(let inner): "not " + inner.filter
            case .compare(let field, let sign, let number): "\(field) \(sign) \(number)"
            case .text(let field, let sign, let text): "\(field) \(sign) \"\(text)\""
            case .exists(let field): "exists \(field)"
            case .bool(let field, let value): "\(field) = \(value)"
            case .null(let field): "\(field) = null"
            case .inList(let field, let values, let isNegated):
                "\(field) \(isNegated ? "not " : "")in (\(values.map(String.init).joined(separator: ", ")))"
            }
        }
    }

    private static let names = [
        "a", "b", "longer-name", "type", "level", "error", "body.a", "body.level", "0", "1",
    ]
    private static let fields =
        names.prefix(8) + ["a.b", "a.a.b", "b.0", "b.1.a", "a.longer-name", "error.a", "a.level"]
    private static let words = ["", "a", "b", "ab", "req", "é"]

    static func node(_ random: inout SeededRandom, depth: Int) -> Node {
        let field = fields.randomElement(using: &random) ?? "a"
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &random) {
        case 0, 1:
            return .compare(
                field, ["=", "!=", "<", "<=", ">", ">="].randomElement(using: &random) ?? "=",
                Int64.random(in: -1...4, using: &random))
        case 2:
            return .text(
                field, ["=", "!=", "<", ">="].randomElement(using: &random) ?? "=",
                words.randomElement(using: &random) ?? "")
        case 3: return .exists(field)
        case 4: return .bool(field, .random(using: &random))
        case 5: return .null(field)
        case 6:
            return .inList(
                field,
                (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    Int64.random(in: -1...4, using: &random)
                },
                isNegated: .random(using: &random))
        case 7: return .not(node(&random, depth: depth - 1))
        case 8:
            return .all(
                (0..<Int.random(in: 1...4, using: &random)).map { _ in node(&random, depth: depth - 1) })
        default:
            return .any(
                (0..<Int.random(in: 1...4, using: &random)).map { _ in node(&random, depth: depth - 1) })
        }
    }

    static func value(_ random: inout SeededRandom, depth: Int) -> BSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 8), using: &random) {
        case 0: return .int32(.random(in: -1...4, using: &random))
        case 1: return .int64(.random(in: -1...4, using: &random))
        case 2: return .double([-1, 0.5, 1, 2, 3.5, .nan].randomElement(using: &random) ?? 0)
        case 3: return .string(words.randomElement(using: &random) ?? "")
        case 4: return .bool(.random(using: &random))
        case 5: return .null
        case 6: return .datetime(.random(in: 0...4, using: &random) * 500)
        case 7: return .binary(BSONBinary(subtype: .random(in: 0...1, using: &random), bytes: [0x61]))
        case 8, 9:
            return .array(
                .array(
                    (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth - 1) })
            )
        default: return .document(document(&random, depth: depth - 1))
        }
    }

    static func document(_ random: inout SeededRandom, depth: Int) -> BSONDocument {
        var document = BSONDocument()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let name = names.filter { !$0.contains(".") }.randomElement(using: &random) ?? "a"
            document.append(name, value(&random, depth: depth))
        }
        return document
    }

    static func event(_ random: inout SeededRandom) -> BSONDocument {
        var event = BSONDocument()
        for key in ["type", "level", "error", "other", "body"].shuffled(using: &random)
        where .random(using: &random) || key == "body" {
            event.append(
                key, key == "body" ? .document(document(&random, depth: 3)) : value(&random, depth: 2))
        }
        return event
    }

    @Test func `Any filter answers as the plain reading of the document does`() throws {
        var random = SeededRandom(state: 20_261_121)
        var held = 0
        for _ in 0..<4000 {
            let node = Self.node(&random, depth: 4)
            let filter = try EventFilter(node.filter)
            for _ in 0..<5 {
                let event = Self.event(&random)
                let expected = Reference(event).holds(node)
                let found = event.withView { filter.matches($0) }
                #expect(found == expected, "\(node.filter) on \(event)")
                if found != expected { return }
                held += found ? 1 : 0
            }
        }
        #expect(held > 2000 && held < 18_000)
    }

    @Test func `Hostile bytes get an answer, and nothing outside of them is read`() throws {
        var random = SeededRandom(state: 7)
        let filters =
            try (0..<60).map { _ in try EventFilter(Self.node(&random, depth: 3).filter) }
            + [
                try EventFilter(
                    "body.a =~ \"x\" or a ~ \"*b?\" or elapsed > 1s or a in (1, \"x\", null, 2.5, true)")
            ]
        for _ in 0..<4000 {
            var bytes = Self.event(&random).bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] =
                    [0, 1, 2, 3, 4, 5, 0x7F, 0xFF, .random(in: 0...255, using: &random)].randomElement(
                        using: &random) ?? 0
            }
            if .random(using: &random) {
                bytes.removeLast(.random(in: 0...min(4, bytes.count - 5), using: &random))
            }
            // Exactly as many bytes as there are, so that an address sanitizer sees a byte too far.
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            defer { memory.deallocate() }
            memory.copyBytes(from: bytes)
            guard let view = BSONView(prefixOf: UnsafeRawBufferPointer(memory)) else { continue }
            for filter in filters {
                let first = filter.matches(view)
                #expect(filter.matches(view) == first)
            }
        }
    }
}
