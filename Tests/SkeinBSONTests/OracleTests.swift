import CSkeinBSON
import SkeinBSON
import SkeinPlatform
import Testing

/// libbson is the oracle: the same document by both, byte for byte; the same verdict on the same bytes.
@Suite struct OracleTests {
    @Test func `one of every type is byte for byte libbson's`() throws {
        for (key, value) in Samples.everyType {
            let expected = try #require(Oracle.bytes([(key, value)]))
            #expect(BSONDocument([(key, value)]).bytes == expected, "\(value.type)")
        }
        #expect(Samples.everyDocument.bytes == Oracle.bytes(Samples.everyType))
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func `random documents are byte for byte libbson's`(
        seed: UInt64
    ) throws {
        var random = RandomDocuments(seed: seed)
        for _ in 0..<300 {
            let elements = random.document()
            let expected = try #require(Oracle.bytes(elements))
            let document = BSONDocument(elements)
            #expect(document.bytes == expected)
            var builder = BSONBuilder(capacity: 0)
            for (key, value) in elements { builder.append(key, value) }
            #expect(builder.finish().bytes == expected)
            #expect(RawEncoding.bytes(elements) == expected)
            // And back: what libbson wrote is read as what went in.
            let back = try BSONDocument(validating: expected)
            #expect(back.map(\.key) == elements.map(\.0))
            #expect(back.map(\.value) == elements.map(\.1))
            #expect(Oracle.verdict(expected) == 0)
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `random documents survive canonical JSON`(seed: UInt64) throws {
        var random = RandomDocuments(seed: seed &+ 100)
        for _ in 0..<100 {
            let document = BSONDocument(random.document(depth: 3))
            let json = try ExtendedJSON.encode(document, .canonical)
            #expect(try ExtendedJSON.decode(json) == document, "\(json)")
        }
    }

    /// Where we refuse what libbson 1.23 takes, and why that is right:
    ///
    /// - a document inside whose last byte is not zero: libbson passes over it without looking inside;
    /// - options of a regular expression that are not UTF-8: it looks at the pattern only;
    /// - text with C0 80, the overlong NUL: RFC 3629 forbids it;
    /// - depth over 100: its own limit is beyond 200.
    ///
    /// Code with scope is compared one way only: libbson's validator stops after the first, and passes over much in
    /// scopes. There is nothing that we take and libbson refuses.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `on mutated bytes the validator agrees with libbson's`(seed: UInt64) {
        var random = RandomDocuments(seed: seed)
        var valid = 0
        var invalid = 0
        for _ in 0..<2_000 {
            var bytes = BSONDocument(random.document(depth: 3)).bytes
            random.mutate(&bytes)
            let theirs = Oracle.verdict(bytes)
            do {
                _ = try BSONDocument(validating: bytes)
                #expect(theirs == 0, "only libbson refuses \(bytes)")
                valid += 1
            } catch {
                guard theirs == 0 else {
                    invalid += 1
                    continue
                }
                let listed = bytes.withUnsafeBytes { meetsScope($0) } || isStricter(error, bytes)
                #expect(listed, "only we refuse, \(error): \(bytes)")
            }
        }
        // Both answers must have been put to the test.
        #expect(valid > 100 && invalid > 100)
    }

    /// Whether a walk meets code with scope before it meets a fault, or as the fault.
    private func meetsScope(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let view = BSONView(prefixOf: bytes) else { return false }
        var elements = view.makeElements()
        var end = 4
        while let element = elements.nextIfValid() {
            if element.type == .javascriptWithScope { return true }
            if let document = element.document, meetsScope(document.bytes) { return true }
            end += 2 + element.key.count + element.value.count
        }
        return bytes[end] == BSONType.javascriptWithScope.rawValue
    }

    /// Whether this is one of the listed differences.
    private func isStricter(_ error: BSONError, _ bytes: [UInt8]) -> Bool {
        let value = bytes[error.offset...]
        switch error.code {
        case .missingTerminator:
            // A document or an array whose length fits, but not its end.
            guard let length = value.withUnsafeBytes({ BSONView.announcedLength($0) }), length <= value.count
            else {
                return false
            }
            return bytes[error.offset + length - 1] != 0
        case .invalidUTF8:
            if zip(bytes, bytes.dropFirst()).contains(where: { $0 == (0xC0, 0x80) }) { return true }
            let pattern = value.prefix { $0 != 0 }
            let options = bytes[(pattern.endIndex + 1)...].prefix { $0 != 0 }
            return UTF8Tests.isValid(Array(pattern)) && !UTF8Tests.isValid(Array(options))
        default:
            return false
        }
    }

    @Test func `a hundred documents may stand in each other, libbson would take more`() throws {
        func nested(_ depth: Int) -> BSONDocument {
            (1..<depth).reduce(BSONDocument()) { inner, level in
                switch level % 3 {
                case 0: ["a": .document(inner)]
                case 1: ["a": .array(inner)]
                default: ["a": .javascriptWithScope("", inner)]
                }
            }
        }
        #expect(try BSONDocument(validating: nested(100).bytes) == nested(100))
        let error = #expect(throws: BSONError.self) { try BSONDocument(validating: nested(101).bytes) }
        #expect(error?.code == .tooDeep)
        #expect(Oracle.verdict(nested(101).bytes) == 0)
        for depth in 1...20 {
            let bytes = nested(depth).bytes
            bytes.withUnsafeBytes { bytes in
                #expect(BSONValidator.isValid(bytes, maximumDepth: depth))
                #expect(!BSONValidator.isValid(bytes, maximumDepth: depth - 1))
                #expect(BSONValidator.isValid(bytes, maximumDepth: .max))
            }
        }
    }
}
