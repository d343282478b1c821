/// The objects that stand for values (MongoDB Extended JSON, version 2, and the older spellings still met).
extension JSONReader {
    /// The value that an object with this first key stands for, its closing brace included; nil, and nothing read, if the
    /// object is a document.
    mutating func typedValue(_ first: String) throws(BSONError) -> BSONValue? {
        switch first {
        case "$numberInt": return try ended(.int32(whole(string())))
        case "$numberLong": return try ended(.int64(whole(string())))
        case "$numberDouble": return try ended(.double(double(string())))
        case "$numberDecimal":
            guard let value = try BSONDecimal128(string()) else {
                throw failure("no decimal of at most 34 digits")
            }
            return try ended(.decimal128(value))
        case "$oid": return try ended(.objectID(objectID(string())))
        case "$symbol": return try ended(.symbol(string()))
        case "$date": return try ended(.datetime(date()))
        case "$timestamp": return try ended(timestamp())
        case "$binary": return try ended(binary())
        case "$uuid": return try ended(.binary(uuid(string())))
        case "$regularExpression": return try ended(regularExpression())
        case "$regex": return try oldRegularExpression()
        case "$dbPointer": return try ended(dbPointer())
        case "$undefined":
            guard try scalar() == .bool(true) else { throw failure("$undefined must be true") }
            return try ended(.undefined)
        case "$minKey":
            guard try scalar() == .int32(1) else { throw failure("$minKey must be 1") }
            return try ended(.minKey)
        case "$maxKey":
            guard try scalar() == .int32(1) else { throw failure("$maxKey must be 1") }
            return try ended(.maxKey)
        default: return nil
        }
    }

    private mutating func ended(_ value: BSONValue) throws(BSONError) -> BSONValue {
        try close()
        return value
    }

    // MARK: Numbers and identifiers

    private func whole<Integer: FixedWidthInteger>(_ text: String) throws(BSONError) -> Integer {
        // Swift would take a plus sign, too.
        guard text.utf8.first != UInt8(ascii: "+"), let value = Integer(text) else {
            throw failure("no whole number that fits its type")
        }
        return value
    }

    private func double(_ text: String) throws(BSONError) -> Double {
        switch text {
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        case "NaN": return .nan
        default:
            var copy = text
            let isNumber = copy.withUTF8 { utf8 in
                !utf8.isEmpty && Self.numberShape(UnsafeRawBufferPointer(utf8)[...]).end == utf8.count
            }
            guard isNumber, let value = Double(text), value.isFinite else { throw failure("no double") }
            return value
        }
    }

    private func objectID(_ text: String) throws(BSONError) -> BSONObjectID {
        guard let id = BSONObjectID(hex: text) else { throw failure("an object id is 24 hexadecimal digits") }
        return id
    }

    // MARK: Objects inside

    private mutating func openObject() throws(BSONError) {
        guard next() == UInt8(ascii: "{") else { throw failure("an object was expected") }
        index += 1
    }

    /// `{first: …, second: …}` in either order, both read by `read`, which is handed the index of the key.
    private mutating func pair(
        _ first: String, _ second: String, _ read: (inout JSONReader, Int) throws(BSONError) -> Void
    ) throws(BSONError) {
        try openObject()
        let names = [first, second]
        let one = try key()
        guard let place = names.firstIndex(of: one) else {
            throw failure("\(first) or \(second) was expected")
        }
        try read(&self, place)
        guard try nextKey() == names[1 - place] else { throw failure("\(names[1 - place]) was expected") }
        try read(&self, 1 - place)
        try close()
    }

    private mutating func timestamp() throws(BSONError) -> BSONValue {
        var parts: [UInt32] = [0, 0]
        try pair("t", "i") { (reader, place) throws(BSONError) in
            guard let value = try reader.scalar().intValue, let part = UInt32(exactly: value) else {
                throw reader.failure("a timestamp has two numbers of 32 bits")
            }
            parts[place] = part
        }
        return .timestamp(increment: parts[1], seconds: parts[0])
    }

    private mutating func regularExpression() throws(BSONError) -> BSONValue {
        var parts = ["", ""]
        try pair("pattern", "options") { (reader, place) throws(BSONError) in
            parts[place] = try reader.string()
        }
        return try regex(parts[0], parts[1])
    }

    /// `{"$regex": text, "$options": text}`. Anything else of that name is a document, a query's for instance.
    private mutating func oldRegularExpression() throws(BSONError) -> BSONValue? {
        let start = index
        if next() == UInt8(ascii: "\""), let pattern = try? string(), next() == UInt8(ascii: ","),
            (try? nextKey()) == "$options", let options = try? string()
        {
            return try ended(regex(pattern, options))
        }
        index = start
        return nil
    }

    private func regex(_ pattern: String, _ options: String) throws(BSONError) -> BSONValue {
        // BSON keeps the options in alphabetical order.
        let value = BSONValue.regex(pattern: pattern, options: String(options.sorted()))
        guard value.isWritable else {
            throw failure("a regular expression with U+0000, which BSON cannot hold")
        }
        return value
    }

    private mutating func dbPointer() throws(BSONError) -> BSONValue {
        var collection = ""
        var id: BSONObjectID?
        try pair("$ref", "$id") { (reader, place) throws(BSONError) in
            if place == 0 {
                collection = try reader.string()
            } else {
                try reader.openObject()
                guard try reader.key() == "$oid" else { throw reader.failure("$oid was expected") }
                id = try reader.objectID(reader.string())
                try reader.close()
            }
        }
        guard let id else { throw failure("$id was expected") }
        return .dbPointer(collection, id)
    }

    // MARK: Binary

    /// `{"base64": text, "subType": hex}`, or the older `text, "$type": hex`.
    private mutating func binary() throws(BSONError) -> BSONValue {
        var parts = ["", ""]
        if next() == UInt8(ascii: "\"") {
            parts[0] = try string()
            guard try nextKey() == "$type" else { throw failure("$type was expected") }
            parts[1] = try string()
        } else {
            try pair("base64", "subType") { (reader, place) throws(BSONError) in
                parts[place] = try reader.string()
            }
        }
        guard let bytes = Base64.decode(parts[0]) else { throw failure("no base64") }
        let digits = parts[1].utf8
        guard (1...2).contains(digits.count), digits.allSatisfy({ HexDigits.value($0) != nil }),
            let subtype = UInt8(parts[1], radix: 16)
        else { throw failure("a subtype is one or two hexadecimal digits") }
        return .binary(BSONBinary(subtype: subtype, bytes: bytes))
    }

    private func uuid(_ text: String) throws(BSONError) -> BSONBinary {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        let nibbles = groups.joined().utf8.compactMap(HexDigits.value)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], nibbles.count == 32 else {
            throw failure("a UUID is 8-4-4-4-12 hexadecimal digits")
        }
        return BSONBinary(
            subtype: 4, bytes: stride(from: 0, to: 32, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] })
    }

    // MARK: Dates

    /// `{"$numberLong": text}`, an RFC 3339 text, or the older plain number.
    private mutating func date() throws(BSONError) -> Int64 {
        switch next() {
        case UInt8(ascii: "{"):
            try openObject()
            guard try key() == "$numberLong" else { throw failure("$numberLong was expected") }
            let milliseconds: Int64 = try whole(string())
            try close()
            return milliseconds
        case UInt8(ascii: "\""):
            guard let milliseconds = try InternetDate.milliseconds(string()) else {
                throw failure("no date like 2026-11-20T22:15:00.000Z")
            }
            return milliseconds
        default:
            guard let milliseconds = try scalar().intValue else { throw failure("no date") }
            return milliseconds
        }
    }
}
