import SkeinBSON
import Testing

@Suite struct ViewTests {
    let event: BSONDocument = [
        "id": "0123", "type": "request", "pid": .int32(7), "start": 1.5,
        "body": ["status": 200, "list": ["a", "b"]], "host": .binary(BSONBinary(bytes: Array("h".utf8))),
    ]

    @Test func `elements are found by key and by path`() {
        event.withView { view in
            #expect(view.first("type")?.text == "request")
            #expect(view.first("host")?.text == "h")
            #expect(view.first("pid")?.integer == 7)
            #expect(view.first("start")?.number == 1.5)
            #expect(view.first("typ") == nil)
            #expect(view.first("types") == nil)
            let computed = "bo" + "dy"
            #expect(view.first(computed)?.document?.first("status")?.integer == 200)
            #expect(view.find(path: "body.list.1")?.text == "b")
            #expect(view.find(path: "\(computed).status")?.number == 200)
            #expect(view.find(path: "pid.x") == nil)
            #expect(view.document() == event)
        }
    }

    @Test func `a run of documents is taken apart`() throws {
        let run = event.bytes + BSONDocument().bytes + event.bytes + [7, 0, 0]
        run.withUnsafeBytes { run in
            var rest = run
            var found: [Int] = []
            while let view = BSONView(prefixOf: rest) {
                found.append(view.bytes.count)
                rest = UnsafeRawBufferPointer(rebasing: rest[view.bytes.count...])
            }
            #expect(found == [event.bytes.count, 5, event.bytes.count])
            #expect(rest.count == 3)
            #expect(BSONView.announcedLength(run) == event.bytes.count)
            #expect(!BSONView.isPlausible(run))
        }
        #expect(event.bytes.withUnsafeBytes { BSONView.isPlausible($0) })
    }

    @Test(
        arguments: [
            ([], .truncated), ([5, 0, 0, 0], .truncated), ([5, 0, 0, 0, 1], .missingTerminator),
            ([6, 0, 0, 0, 0], .truncated), ([5, 0, 0, 0, 0, 0], .trailingBytes),
            ([4, 0, 0, 0, 0], .badLength),
            ([0, 0, 0, 0x80, 0], .badLength),
        ] as [([UInt8], BSONError.Code)])
    func `a view refuses bytes that are not one document`(bytes: [UInt8], code: BSONError.Code) {
        let error = #expect(throws: BSONError.self) {
            try bytes.withUnsafeBytes { _ = try BSONView($0) }
        }
        #expect(error?.code == code)
    }

    @Test func `a malformed element ends the walk with its offset`() throws {
        var bytes = event.bytes
        let typeByte = try #require(bytes.firstIndex(of: BSONType.int32.rawValue))
        bytes[typeByte] = 0x42
        bytes.withUnsafeBytes { bytes in
            guard let view = BSONView(prefixOf: bytes) else { return }
            #expect(view.first("type")?.text == "request")
            #expect(view.first("pid") == nil)
            #expect(view.first("body") == nil)
            var elements = view.makeElements()
            let error = #expect(throws: BSONError.self) { while try elements.next() != nil {} }
            #expect(error?.code == .unknownType)
            #expect(error?.offset == typeByte)
            #expect(throws: BSONError.self) { try elements.next() }
        }
    }
}
