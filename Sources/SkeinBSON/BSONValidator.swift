/// Checks a document from end to end.
///
/// What holds afterwards: all lengths and terminators agree with each other, every type is one that BSON has, bools
/// are 0 or 1, keys and text (strings, code, symbols, regular expressions, DB pointers) are UTF-8, the old
/// binary's two lengths agree, and no document nests deeper than allowed. Empty and repeated keys, and
/// array keys that are no indices, are taken: foreign encoders write them.
///
/// About 10 ns an element; no allocation up to a depth of 120. Any thread.
public enum BSONValidator {
    /// The depth that is allowed unless told otherwise; a document without documents inside has depth 1.
    public static let defaultMaximumDepth = 100

    /// Validates `bytes`, which must be one document from end to end.
    ///
    /// - Parameter maximumDepth: how many documents (arrays and scopes count) may stand inside each other, the
    ///   outermost included. At least 1 is meant.
    /// - Throws: the first finding, with its offset.
    public static func validate(
        _ bytes: UnsafeRawBufferPointer, maximumDepth: Int = defaultMaximumDepth
    ) throws(BSONError) {
        if let finding = finding(bytes, maximumDepth: maximumDepth) {
            throw finding.fault.error(at: finding.offset)
        }
    }

    /// Whether `bytes` is a valid document. As `validate`, without the cost of an error.
    public static func isValid(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = defaultMaximumDepth)
        -> Bool
    {
        finding(bytes, maximumDepth: maximumDepth) == nil
    }

    private typealias Finding = (fault: BSONFault, offset: Int)

    private static func finding(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int) -> Finding? {
        guard let base = bytes.baseAddress else { return (.truncated, 0) }
        let size = BSONLayout.documentSize(base, available: bytes.count)
        if size < 0 { return (BSONLayout.fault(size), 0) }
        if size != bytes.count { return (.trailingBytes, size) }
        if maximumDepth < 1 { return (.tooDeep, 0) }
        // A document within n bytes nests at most n / 7 deep, so a huge limit costs no huge stack.
        let room = min(maximumDepth, size / 7 + 1)
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: room) { ends in
            walk(base, size, ends)
        }
    }

    /// Walks without recursion. `ends[d]` is the index of the terminator of the document open at depth `d`.
    private static func walk(
        _ base: UnsafeRawPointer, _ size: Int, _ ends: UnsafeMutableBufferPointer<Int>
    ) -> Finding? {
        var depth = 0
        var end = size - 1
        var offset = 4
        while true {
            if offset == end {
                // Lengths were checked on the way in, so this is the zero byte that ends the document.
                if depth == 0 { return nil }
                depth -= 1
                offset = end + 1
                end = ends[depth]
                continue
            }
            let start = offset
            let keyEnd = BSONLayout.indexOfZero(base, from: start + 1, to: end)
            guard let type = BSONType(byte: base.load(fromByteOffset: start, as: UInt8.self)) else {
                return (.unknownType, start)
            }
            if keyEnd < 0 { return (.missingTerminator, start) }
            if !UTF8Validation.isValid(base + (start + 1), keyEnd - start - 1) {
                return (.invalidUTF8, start + 1)
            }
            let value = keyEnd + 1
            let length = BSONLayout.valueSize(type, base + value, available: end - value)
            if length < 0 { return (BSONLayout.fault(length), value) }
            offset = value + length

            var inner = -1
            switch type {
            case .string, .javascript, .symbol:
                if !UTF8Validation.isValid(base + (value + 4), length - 5) {
                    return (.invalidUTF8, value + 4)
                }
            case .regex:
                // Pattern, NUL, options: NUL is UTF-8 too.
                if !UTF8Validation.isValid(base + value, length) { return (.invalidUTF8, value) }
            case .dbPointer:
                if !UTF8Validation.isValid(base + (value + 4), length - 17) {
                    return (.invalidUTF8, value + 4)
                }
            case .document, .array:
                inner = value
            case .javascriptWithScope:
                let code = BSONLayout.int32(base + (value + 4))
                if !UTF8Validation.isValid(base + (value + 8), code - 1) { return (.invalidUTF8, value + 8) }
                inner = value + 8 + code
            default:
                break
            }
            if inner >= 0 {
                if depth + 1 >= ends.count { return (.tooDeep, inner) }
                ends[depth] = end
                depth += 1
                end = offset - 1
                offset = inner + 4
            }
        }
    }
}
