/// Text from events as it may be shown.
///
/// Events come from anywhere, and a terminal obeys what it is told: escape sequences can clear the screen, retitle
/// the window or answer with keystrokes, and direction controls can make a line read as another. So none of
/// that is ever written raw, to pipes neither, since what is in a pipe is shown in the end.
enum SafeText {
    /// Appends UTF-8 with everything that is not plain text escaped: `\n`, `\t`, `\r`, `\x1B`, `\u{202E}`; bytes that are
    /// no UTF-8 as `\xFF`.
    /// - Parameter escapesBackslash: whether `\` becomes `\\`, so that what is shown can be read back.
    static func append(
        _ bytes: some Sequence<UInt8>, to text: inout String, escapesBackslash: Bool = false
    ) {
        // Nearly all text is plain ASCII, which goes over in one piece.
        let isAppended = bytes.withContiguousStorageIfAvailable { buffer in
            guard buffer.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
                return false
            }
            text += String(decoding: buffer, as: UTF8.self)
            return true
        }
        if isAppended == true { return }
        var decoder = UTF8ByteDecoder(bytes)
        while let unit = decoder.next() {
            switch unit {
            case .scalar(let scalar): append(scalar, to: &text, escapesBackslash)
            case .stray(let byte): text += "\\x" + hexadecimal(UInt32(byte), digits: 2)
            }
        }
    }

    /// A text as it may be shown.
    static func of(_ raw: String) -> String {
        var text = ""
        append(raw.utf8, to: &text)
        return text
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        append(bytes, to: &text)
        return text
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String, _ escapesBackslash: Bool) {
        switch scalar {
        case "\n": text += "\\n"
        case "\t": text += "\\t"
        case "\r": text += "\\r"
        case "\\" where escapesBackslash: text += "\\\\"
        default:
            if scalar.value < 0x20 || scalar.value == 0x7F {
                text += "\\x" + hexadecimal(scalar.value, digits: 2)
            } else if isUnsafe(scalar) {
                text += "\\u{" + hexadecimal(scalar.value, digits: 4) + "}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }

    /// Whether a terminal, or an eye, would be misled: C1 controls, which some terminals obey as escape sequences;
    /// line separators; direction controls; tags and other invisible characters but the joiners.
    static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x061C, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xFFF9...0xFFFB, 0xE0000...0xE0FFF:
            true
        default: false
        }
    }

    static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

/// Splits bytes into scalars, and bytes that belong to none.
private struct UTF8ByteDecoder<Bytes: Sequence<UInt8>> {
    enum Unit {
        case scalar(Unicode.Scalar)
        case stray(UInt8)
    }

    private var bytes: Bytes.Iterator
    /// Read ahead, at most four, oldest lowest.
    private var waiting: [UInt8] = []
    private var isAtEnd = false

    init(_ bytes: Bytes) {
        self.bytes = bytes.makeIterator()
        waiting.reserveCapacity(4)
    }

    mutating func next() -> Unit? {
        if waiting.isEmpty { fill(1) }
        guard let first = waiting.first else { return nil }
        let length =
            first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
        fill(length)
        if length > 0, waiting.count >= length,
            let scalar = String(validating: waiting[..<length], as: UTF8.self)?.unicodeScalars.first
        {
            waiting.removeFirst(length)
            return .scalar(scalar)
        }
        waiting.removeFirst()
        return .stray(first)
    }

    private mutating func fill(_ count: Int) {
        while waiting.count < count, !isAtEnd {
            if let byte = bytes.next() { waiting.append(byte) } else { isAtEnd = true }
        }
    }
}
