import SkeinBSON
import SkeinFilter

func matches(_ filter: String, _ event: BSONDocument) throws -> Bool {
    let filter = try EventFilter(filter)
    return event.withView { filter.matches($0) }
}

/// An event with these fields in its body.
func event(_ body: BSONDocument, _ more: BSONDocument = [:]) -> BSONDocument {
    var document: BSONDocument = [
        "id": "6b0067af9c1d7e2243b0a1f25dd0e1c3", "type": "request.sql", "host": "a", "pid": .int32(7),
        "start": .double(1_795_168_800), "end": .double(1_795_168_800.5), "body": .document(body),
        "span": "00000000000000ff", "service": "shop",
    ]
    for element in more { document[element.key] = element.value }
    return document
}

/// A sequence that its seed alone decides.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
