import CSkeinBSON
import SkeinBSON
import SkeinPlatform
import Testing

/// libbson's JSON reader as the oracle of ours, where it can be one: of code and DB pointers in arrays it makes up the
/// keys, so texts with those are left out.
@Suite struct JSONOracleTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `mutated JSON is read as libbson reads it, or refused where libbson is lenient`(seed: UInt64) throws
    {
        var random = RandomDocuments(seed: seed &+ 1_000)
        var both = 0
        var neither = 0
        for _ in 0..<1_000 {
            let document = BSONDocument(random.document(depth: 2))
            let mode: ExtendedJSON.Mode = .random(using: &random.random)
            var json = try ExtendedJSON.encode(document, mode)
            if json.contains("$code") || json.contains("$dbPointer") { continue }
            mutate(&json, &random.random)
            let theirs = Oracle.read(json)
            let ours = try? ExtendedJSON.decode(json).bytes
            switch (ours, theirs) {
            case (let ours?, let theirs?):
                // Of a regular expression's options libbson leaves out those that it does not know.
                #expect(ours == theirs || json.contains("$regularExpression"), "\(json)")
                both += 1
            case (nil, let theirs?):
                // It takes misspelt typed values, and a comma after the document.
                #expect(json.contains("$") || json.contains(","), "only libbson reads \(json) as \(theirs)")
            case (_?, nil): Issue.record("only we read \(json)")
            case (nil, nil): neither += 1
            }
        }
        #expect(both > 50 && neither > 50)
    }

    /// Up to two changes by characters that mean something.
    private func mutate(_ json: inout String, _ random: inout FastRandom) {
        var scalars = Array(json.unicodeScalars)
        let meaningful = Array("{}[]\":,0159-+.eE\\nutf $x".unicodeScalars)
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            guard let place = scalars.indices.randomElement(using: &random),
                let other = scalars.indices.randomElement(using: &random),
                let scalar = meaningful.randomElement(using: &random)
            else { break }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: scalars.remove(at: place)
            case 1: scalars[place] = scalar
            case 2: scalars.insert(scalar, at: place)
            default: scalars.swapAt(place, other)
            }
        }
        json = String(String.UnicodeScalarView(scalars))
    }
}

extension ExtendedJSON.Mode {
    static func random(using random: inout FastRandom) -> Self {
        Bool.random(using: &random) ? .canonical : .relaxed
    }
}

extension Oracle {
    /// The document that libbson reads from JSON; nil if it refuses.
    static func read(_ json: String) -> [UInt8]? {
        guard let document = skein_bson_from_json(json, json.utf8.count, nil, 0) else { return nil }
        defer { skein_bson_document_free(document) }
        var length = 0
        let bytes = skein_bson_document_bytes(document, &length)
        return Array(UnsafeRawBufferPointer(start: bytes, count: length))
    }
}
