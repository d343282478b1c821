/// Reads one Extended JSON object into a document, in one pass over bytes that are UTF-8.
///
/// Written here rather than left to libbson: its reader (1.23, and still in 2.x) makes up the keys of code in arrays from
/// memory it never wrote, and takes only 99 levels. libbson is the oracle in the tests.
///
/// JSON is that of RFC 8259. An object whose first key is one of the names that Extended JSON version 2 gives to a type is
/// that value or an error; every other object is a document, names with a dollar sign or not.
struct JSONReader {
    /// What is read: Extended JSON, or plain JSON as programs write it.
    struct Style {
        /// Keys have no meaning; NaN, the infinities and whole numbers of any length are taken; the last of a repeated key counts; what
        /// BSON cannot hold is replaced.
        var isPlain = false
        var maximumDepth = BSONValidator.defaultMaximumDepth
        /// Bytes of the document that is made.
        var maximumBytes = BSONDocument.maximumBytes
    }

    let bytes: UnsafeRawBufferPointer
    let style: Style
    /// The index of the next byte.
    var index = 0
    /// Where everything goes; nested documents are written in place.
    var builder: BSONBuilder

    init(_ utf8: UnsafeRawBufferPointer, _ style: Style = Style()) {
        bytes = utf8
        self.style = style
        builder = BSONBuilder(capacity: max(64, min(utf8.count, style.maximumBytes)))
    }

    /// The object that all of the bytes are.
    mutating func document() throws(BSONError) -> BSONDocument {
        guard next() == UInt8(ascii: "{") else { throw failure("an object in braces was expected") }
        index += 1
        try members(depth: 1)
        guard next() == nil else { throw failure("something follows the object") }
        return builder.finish()
    }

    // MARK: Containers

    /// The members of an object and its closing brace.
    private mutating func members(depth: Int) throws(BSONError) {
        if next() == UInt8(ascii: "}") {
            index += 1
            return
        }
        if style.isPlain { return try plainMembers(depth: depth) }
        var name = try key()
        while true {
            try member(name, depth)
            guard try another(before: UInt8(ascii: "}")) else { return }
            name = try key()
        }
    }

    /// The same in plain JSON.
    private mutating func plainMembers(depth: Int) throws(BSONError) {
        var seen = Set<Int>()
        var hasRepeated = false
        repeat {
            var name = try key()
            if name.utf8.contains(0) {
                name = String(
                    String.UnicodeScalarView(name.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
            }
            // Seeded: nobody can make keys that collide. If two do by chance, nothing is wrong.
            var hasher = Hasher()
            name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            if !seen.insert(hasher.finalize()).inserted { hasRepeated = true }
            try value(name, depth)
        } while try another(before: UInt8(ascii: "}"))
        if hasRepeated { builder.keepLastOfRepeatedKeys() }
    }

    /// An object of which the brace and the first key are read: the members that follow.
    mutating func members(after first: String, depth: Int) throws(BSONError) {
        try member(first, depth)
        while try another(before: UInt8(ascii: "}")) { try member(key(), depth) }
    }

    private mutating func member(_ name: String, _ depth: Int) throws(BSONError) {
        guard !name.utf8.contains(0) else { throw failure("a key with U+0000, which BSON cannot hold") }
        try value(name, depth)
    }

    private mutating func elements(depth: Int) throws(BSONError) {
        if next() == UInt8(ascii: "]") {
            index += 1
            return
        }
        var count = 0
        repeat {
            try value(String(count), depth)
            count += 1
        } while try another(before: UInt8(ascii: "]"))
    }

    /// Goes past a comma, or past the closing bracket: then false.
    private mutating func another(before closing: UInt8) throws(BSONError) -> Bool {
        switch next() {
        case UInt8(ascii: ","):
            index += 1
            return true
        case closing:
            index += 1
            return false
        default:
            throw failure("a comma or a closing bracket was expected")
        }
    }

    /// A value of a document at `depth`, appended under its key.
    private mutating func value(_ name: String, _ depth: Int) throws(BSONError) {
        switch next() {
        case UInt8(ascii: "{"):
            index += 1
            try object(name, depth)
        case UInt8(ascii: "["):
            index += 1
            try open(.array, name, depth)
            try elements(depth: depth + 1)
            builder.end()
        default:
            try append(name, scalar())
        }
    }

    /// An object of which the brace is read: a typed value or a document.
    private mutating func object(_ name: String, _ depth: Int) throws(BSONError) {
        if next() == UInt8(ascii: "}") {
            index += 1
            try open(.document, name, depth)
            builder.end()
            return
        }
        if style.isPlain {
            try open(.document, name, depth)
            try plainMembers(depth: depth + 1)
            builder.end()
            return
        }
        let first = try key()
        if first.utf8.first == UInt8(ascii: "$") {
            if first == "$code" || first == "$scope" { return try code(name, first, depth) }
            if let typed = try typedValue(first) { return try append(name, typed) }
        }
        try open(.document, name, depth)
        try members(after: first, depth: depth + 1)
        builder.end()
    }

    /// `{"$code": text}`, or with a `$scope` on either side of it.
    private mutating func code(_ name: String, _ first: String, _ depth: Int) throws(BSONError) {
        if first == "$code" {
            let text = try string()
            guard try another(before: UInt8(ascii: "}")) else { return try append(name, .javascript(text)) }
            guard try key() == "$scope" else { throw failure("$scope was expected after $code") }
            let scope = try scope(depth)
            try close()
            try append(name, .javascriptWithScope(text, scope))
        } else {
            let scope = try scope(depth)
            guard try another(before: UInt8(ascii: "}")), try key() == "$code" else {
                throw failure("$code was expected after $scope")
            }
            let text = try string()
            try close()
            try append(name, .javascriptWithScope(text, scope))
        }
    }

    /// A document on its own: what stands before it in the format is known only after it.
    private mutating func scope(_ depth: Int) throws(BSONError) -> BSONDocument {
        guard next() == UInt8(ascii: "{") else { throw failure("a scope is an object") }
        index += 1
        try check(depth + 1)
        let outer = builder
        builder = BSONBuilder()
        try members(depth: depth + 1)
        let scope = builder.finish()
        builder = outer
        return scope
    }

    // MARK: Appending

    private mutating func open(_ type: BSONType, _ name: String, _ depth: Int) throws(BSONError) {
        try check(depth + 1)
        guard builder.begin(type, name), builder.byteCount <= style.maximumBytes else { throw tooLarge }
    }

    private mutating func append(_ name: String, _ value: BSONValue) throws(BSONError) {
        guard builder.append(name, value), builder.byteCount <= style.maximumBytes else { throw tooLarge }
    }

    private func check(_ depth: Int) throws(BSONError) {
        guard depth <= style.maximumDepth else {
            throw BSONError(
                code: .tooDeep, message: "reading JSON: it nests deeper than \(style.maximumDepth) documents",
                offset: index)
        }
    }

    private var tooLarge: BSONError {
        BSONError(
            code: .tooLarge, message: "reading JSON: more than \(style.maximumBytes) bytes of BSON",
            offset: index)
    }

    // MARK: Tokens

    /// The next byte that is no white space; nil at the end.
    mutating func next() -> UInt8? {
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            index += 1
        }
        return nil
    }

    /// A key and its colon.
    mutating func key() throws(BSONError) -> String {
        guard next() == UInt8(ascii: "\"") else { throw failure("a key in quotes was expected") }
        let name = try string()
        guard next() == UInt8(ascii: ":") else { throw failure("a colon was expected after a key") }
        index += 1
        return name
    }

    /// The closing brace of a typed value.
    mutating func close() throws(BSONError) {
        guard next() == UInt8(ascii: "}") else {
            throw failure("a typed value has a key too many, or does not end")
        }
        index += 1
    }

    /// Goes on to the next key of a typed value.
    mutating func nextKey() throws(BSONError) -> String {
        guard next() == UInt8(ascii: ",") else { throw failure("a typed value lacks a key") }
        index += 1
        return try key()
    }

    func failure(_ reason: String) -> BSONError {
        BSONError(code: .invalidJSON, message: "reading JSON: \(reason)", offset: index)
    }
}
