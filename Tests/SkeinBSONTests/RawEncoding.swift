import SkeinBSON

/// Documents through the raw writer's own functions, one for each type.
enum RawEncoding {
    static func bytes(_ elements: [(String, BSONValue)]) -> [UInt8] {
        let room = 64 + elements.reduce(0) { $0 + BSONDocument([$1]).bytes.count }
        return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            guard let base = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            var writer = BSONRawWriter(base)
            let start = writer.beginDocument()
            for (key, value) in elements { write(key, value, &writer) }
            writer.endDocument(start)
            count = writer.pointer - base
        }
    }

    private static func write(_ key: String, _ value: BSONValue, _ writer: inout BSONRawWriter) {
        lend(key) { key in
            switch value {
            case .double(let value): writer.double(key: key, value)
            case .string(let text): lend(text) { writer.string(key: key, $0) }
            case .document(let inner):
                let start = writer.beginDocument(key: key)
                for (key, value) in inner { write(key, value, &writer) }
                writer.endDocument(start)
            case .array(let inner):
                let start = writer.beginArray(key: key)
                for (index, element) in inner.enumerated() {
                    writer.header(element.value.type, index: index)
                    // The value as an element of its own, without type, key and NUL.
                    BSONDocument([("", element.value)]).bytes.withUnsafeBytes {
                        writer.bytes(UnsafeRawBufferPointer(rebasing: $0[6..<$0.count - 1]))
                    }
                }
                writer.endDocument(start)
            case .binary(let binary):
                binary.bytes.withUnsafeBytes { writer.binary(key: key, $0, subtype: binary.subtype) }
            case .undefined: writer.undefined(key: key)
            case .objectID(let id): writer.objectID(key: key, id)
            case .bool(let flag): writer.bool(key: key, flag)
            case .datetime(let milliseconds): writer.datetime(key: key, milliseconds)
            case .null: writer.null(key: key)
            case .regex(let pattern, let options):
                lend(pattern) { pattern in
                    lend(options) { writer.regex(key: key, pattern: pattern, options: $0) }
                }
            case .dbPointer(let collection, let id): lend(collection) { writer.dbPointer(key: key, $0, id) }
            case .javascript(let code): lend(code) { writer.javascript(key: key, $0) }
            case .symbol(let name): lend(name) { writer.symbol(key: key, $0) }
            case .javascriptWithScope(let code, let scope):
                lend(code) { code in
                    scope.bytes.withUnsafeBytes { writer.javascriptWithScope(key: key, code, scope: $0) }
                }
            case .int32(let value): writer.int32(key: key, value)
            case .timestamp(let increment, let seconds):
                writer.timestamp(key: key, increment: increment, seconds: seconds)
            case .int64(let value): writer.int64(key: key, value)
            case .decimal128(let value): writer.decimal128(key: key, value)
            case .minKey: writer.minKey(key: key)
            case .maxKey: writer.maxKey(key: key)
            }
        }
    }

    private static func lend(_ text: String, _ body: (UnsafeRawBufferPointer) -> Void) {
        var text = text
        text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
