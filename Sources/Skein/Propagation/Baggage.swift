/// W3C Baggage: names and values that travel with a tree (https://www.w3.org/TR/baggage/).
///
/// ```swift
/// var baggage = Baggage()
/// baggage["tenant"] = "acme"
/// ```
/// Bounded as the standard has it: 64 members, 8,192 bytes; what exceeds that is left out.
public struct Baggage: Sendable, Hashable {
    private var members: [(name: String, value: String)] = []

    /// Baggage without members.
    public init() {}

    /// The names, in order.
    public var names: [String] { members.map(\.name) }
    /// Whether there is no member.
    public var isEmpty: Bool { members.isEmpty }
    /// How many members there are, at most 64.
    public var count: Int { members.count }

    /// The value of a member; nil removes. A name that is no token of RFC 7230 is ignored.
    public subscript(name: String) -> String? {
        get { members.first { $0.name == name }?.value }
        set {
            members.removeAll { $0.name == name }
            guard let newValue, Self.isToken(name), members.count < 64 else { return }
            members.append((name, newValue))
        }
    }

    public static func == (left: Baggage, right: Baggage) -> Bool {
        left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
    }

    public func hash(into hasher: inout Hasher) {
        for member in members {
            hasher.combine(member.name)
            hasher.combine(member.value)
        }
    }

    /// Parses a `baggage` header. Members that are malformed are left out.
    /// - Returns: the baggage, and whether anything was malformed.
    public static func parse(_ text: String) -> (baggage: Baggage, isMalformed: Bool) {
        var baggage = Baggage()
        guard text.utf8.count <= 8_192 else { return (baggage, true) }
        var malformed = false
        for entry in text.split(separator: ",", maxSplits: 128).prefix(64) {
            // Properties behind ';' belong to the member; Skein has no use for them.
            let member =
                entry.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
            guard let equals = member.firstIndex(of: "=") else {
                malformed = true
                continue
            }
            let name = String(member[..<equals].trimmingSpaces)
            guard isToken(name),
                let value = percentDecoded(member[member.index(after: equals)...].trimmingSpaces)
            else {
                malformed = true
                continue
            }
            baggage[name] = value
        }
        return (baggage, malformed)
    }

    /// The header's value.
    public var header: String {
        var text = ""
        for member in members {
            let entry = member.name + "=" + Self.percentEncoded(member.value)
            guard text.utf8.count + entry.utf8.count + 1 <= 8_192 else { break }
            if !text.isEmpty { text += "," }
            text += entry
        }
        return text
    }

    static func isToken(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 256
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    static func percentEncoded(_ value: String) -> String {
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case 0x21, 0x23...0x24, 0x26...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ Character(UnicodeScalar($0)).hexDigitValue }),
                let low = rest.popFirst().flatMap({ Character(UnicodeScalar($0)).hexDigitValue })
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var trimmed = drop { $0 == " " || $0 == "\t" }
        while let last = trimmed.last, last == " " || last == "\t" { trimmed.removeLast() }
        return trimmed
    }
}
