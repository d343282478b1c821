import SkeinBSON
import SkeinPickle
import Testing

/// The bytes of a pickle: instructions as letters, `\x..` for other bytes and two backslashes for one, as Python shows `bytes`.
func pickle(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.unicodeScalars)[...]
    while let scalar = rest.popFirst() {
        if scalar == "\\", rest.first == "x" {
            let digits = rest.dropFirst().prefix(2).map { Character($0) }
            bytes.append(UInt8(String(digits), radix: 16) ?? 0)
            rest = rest.dropFirst(3)
        } else if scalar == "\\", rest.first == "\\" {
            bytes.append(0x5C)
            rest = rest.dropFirst()
        } else {
            bytes += String(scalar).utf8
        }
    }
    return bytes
}

func decimal(_ text: String) -> BSONDecimal128 { BSONDecimal128(text) ?? BSONDecimal128(low: 0, high: 0) }

func read(_ text: String) throws -> BSONValue { try PickleReader().read(pickle(text)).value }

@Suite struct PickleReaderTests {
    static let scalars: [(String, BSONValue)] = [
        ("N.", BSONValue.null), ("I01\n.", .bool(true)), ("I00\n.", .bool(false)),
        ("\\x80\\x02\\x88.", .bool(true)),
        ("I42\n.", .int32(42)), ("I-2147483649\n.", .int64(-2_147_483_649)), ("L9L\n.", .int32(9)),
        ("L-12345678901234567890L\n.", .decimal128(decimal("-12345678901234567890"))),
        ("K\\xff.", .int32(255)), ("M\\x01\\x02.", .int32(513)), ("J\\xff\\xff\\xff\\xff.", .int32(-1)),
        ("\\x8a\\x00.", .int32(0)), ("\\x8a\\x01\\x80.", .int32(-128)),
        ("\\x8a\\x02\\x80\\x00.", .int32(128)),
        ("F1.5\n.", .double(1.5)), ("F-inf\n.", .double(-.infinity)),
        ("G\\x3f\\xf8\\x00\\x00\\x00\\x00\\x00\\x00.", .double(1.5)),
        ("S'a\\\\x41\\\\n\\\\'\\\\101'\n.", .string("aA\n'A")), ("S\"it's\"\n.", .string("it's")),
        ("U\\x02\\xc3\\xa4.", .string("ä")), ("U\\x01\\xff.", .binary(BSONBinary(subtype: 0, bytes: [255]))),
        ("V\\xe4\\\\u20ac\\\\U0001f9f6\\\\u005c\n.", .string("ä€🧶\\")),
        ("V\\\\ud83e\\\\uddf6\n.", .string("🧶")),
        ("V\\\\ud83e-\n.", .string("\u{FFFD}-")),
        ("X\\x03\\x00\\x00\\x00\\xed\\xa0\\x80.", .string("\u{FFFD}")),
        ("C\\x01\\xff.", .binary(BSONBinary(subtype: 0, bytes: [255]))),
    ]

    static let containers: [(String, BSONValue)] = [
        ("(K\\x01K\\x02l.", [.int32(1), .int32(2)]), ("(K\\x01t.", [.int32(1)]), (").", []),
        ("]K\\x01a.", [.int32(1)]),
        ("}U\\x01aK\\x01s.", ["a": .int32(1)]), ("(U\\x01aK\\x01d.", ["a": .int32(1)]),
        ("}(U\\x01aK\\x01U\\x01bNu.", ["a": .int32(1), "b": .null]),
        ("}(U\\x01aK\\x01U\\x01bNU\\x01aK\\x02u.", ["a": .int32(2), "b": .null]),
        ("}(K\\x01U\\x01aNU\\x01bI01\nU\\x01c)Nu.", ["1": "a", "null": "b", "true": "c", "<tuple>": .null]),
        ("}U\\x03a\\x00bK\\x01s.", ["a\u{FFFD}b": .int32(1)]),
        ("c_codecs\nencode\n(V\\xff\nVlatin1\ntR.", .binary(BSONBinary(subtype: 0, bytes: [255]))),
        ("K\\x07p3\n0g3\n.", .int32(7)), ("K\\x07r\\xff\\xff\\xff\\xff0j\\xff\\xff\\xff\\xff.", .int32(7)),
        ("K\\x01K\\x020.", .int32(1)), ("K\\x01(K\\x021.", .int32(1)),
        ("K\\x012\\x86.", [.int32(1), .int32(1)]),
    ]

    @Test(arguments: scalars + containers)
    func `instructions make what Python makes of them`(text: String, value: BSONValue) throws {
        #expect(try read(text) == value)
    }

    @Test func `a name that is on no list becomes its text and is counted, and nothing is called`() throws {
        let read = try PickleReader().read(
            pickle(
                "(cos\nsystem\n(S'rm -rf /'\ntRcbuiltins\neval\nS'1'\n\\x85R(S'x'\nios\nsystem\n\\x82\\x07l.")
        )
        #expect(read.value == ["<os.system>", "<builtins.eval>", "<os.system>", "<extension 7>"])
        #expect(read.unknownNames == 4)
    }

    @Test func `an instance of an unknown class swallows its state and its items`() throws {
        #expect(
            try read("cshop\nCart\n)\\x81}U\\x01aK\\x01sb(K\\x01e(U\\x01bK\\x02u.") == "<shop.Cart>")
        #expect(
            try read("ccopy_reg\n_reconstructor\n(cshop\nOld\nc__builtin__\nobject\nNtR}b.") == "<shop.Old>")
    }

    @Test func `what is inside itself is cut where it repeats`() throws {
        #expect(try read("]q\\x00h\\x00a.") == ["[...]"])
        #expect(try read("}q\\x00U\\x01ah\\x00s.") == ["a": "{...}"])
        // Two lists in each other, met from either side.
        #expect(
            try read("(]q\\x01]q\\x02h\\x01ah\\x01h\\x02a0l.") == [.array(.array([["[...]"]])), ["[...]"]])
        // A set that shares its list, inside that list.
        #expect(try read("]q\\x00c__builtin__\nset\nh\\x00\\x85Ra.") == ["[...]"])
    }

    @Test func `a memo that doubles sixty times is refused, quickly`() throws {
        var bomb = "]"
        for index in 0..<60 {
            bomb += "q\\x" + String(16 + index, radix: 16)
            bomb += "]h\\x" + String(16 + index, radix: 16) + "ah\\x" + String(16 + index, radix: 16) + "a"
        }
        let error = #expect(throws: PickleError.self) { try read(bomb + ".") }
        #expect(error?.code == .tooLarge)
        // The same in a tuple, and in text.
        var tuples = "N"
        for _ in 0..<40 { tuples += "2\\x86" }
        #expect(throws: PickleError.self) { try read(tuples + ".") }
        let text =
            "X\\xff\\xff\\x00\\x00" + String(repeating: "a", count: 65_535) + "q\\x00("
            + String(repeating: "h\\x00", count: 1_000)
        #expect(throws: PickleError.self) { try read(text + "l.") }
    }

    @Test func `depth, items, input and output have limits`() throws {
        func code(_ text: String, _ limits: PickleReader.Limits = .init()) -> PickleError.Code? {
            do throws(PickleError) {
                _ = try PickleReader(limits: limits).read(pickle(text))
                return nil
            } catch {
                return error.code
            }
        }
        let deep = String(repeating: "]", count: 64) + String(repeating: "a", count: 63) + "."
        #expect(code(deep) == nil)
        #expect(code("]" + deep.dropLast() + "a.") == .tooDeep)
        #expect(
            code(String(repeating: "(", count: 100_000) + String(repeating: "l", count: 100_000) + ".")
                == .tooDeep)
        var limits = PickleReader.Limits()
        limits.items = 20
        #expect(code("(NNNl.", limits) == nil)
        #expect(code("(NNNNNNNNNNNNNl.", limits) == .tooLarge)
        #expect(code(String(repeating: "N2222222222000000", count: 200_000) + ".") == .tooLarge)
        limits = .init()
        limits.inputBytes = 3
        #expect(code("(l.", limits) == nil)
        #expect(code("(Nl.", limits) == .tooLarge)
        limits = .init()
        limits.outputBytes = 20
        #expect(code("U\\x0f123456789012345.", limits) == nil)
        #expect(code("U\\x101234567890123456.", limits) == .tooLarge)
    }

    @Test(arguments: [
        ("", "truncated"), ("N", "truncated"), (".", "bad_stack"), ("0.", "bad_stack"), ("t.", "bad_stack"),
        ("K", "truncated"), ("X\\xff\\xff\\xff\\xff.", "truncated"), ("T\\xff\\xff\\xff\\xff.", "bad_value"),
        ("\\x8d\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff.", "truncated"), ("Ifour\n.", "bad_value"),
        ("S'a\n.", "bad_value"), ("F1e\n.", "bad_value"), ("h\\x00.", "bad_stack"), ("gx\n.", "bad_value"),
        ("\\xff.", "unknown_instruction"), ("\\x80\\x06N.", "unknown_instruction"), ("NN(.", "bad_stack"),
        ("N.N", "trailing_bytes"), ("Pid\n.", "unsupported"), ("NQ.", "unsupported"),
        ("\\x97.", "unsupported"),
        ("NNR.", "bad_stack"), ("N)R.", "bad_stack"), ("NNs.", "bad_stack"), ("}(Nu.", "bad_stack"),
        ("\\x95\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x00N.", "truncated"),
        ("X\\x01\\x00\\x00\\x00\\xff.", "bad_value"),
        ("NN\\x93.", "bad_stack"), ("V\\\\u12\n.", "bad_value"), ("c\\xff\nx\n.", "bad_value"),
        ("\\x8b\\xff\\xff\\xff\\xff.", "bad_value"),
    ])
    func `what is broken is refused with its reason and its place`(text: String, code: String) {
        let error = #expect(throws: PickleError.self) { try read(text) }
        #expect(error?.code.rawValue == code, "\(text)")
        #expect(error?.offset ?? -1 >= 0)
    }

    /// `pickle.dumps({"when": datetime(2020, 2, 29, 1, 2, 3, 4000, timezone(timedelta(hours=1))), "id": UUID(int=5), "t": …}, 2)`, shortened.
    static let sample =
        "\\x80\\x02}q\\x00(X\\x04\\x00\\x00\\x00whenq\\x01cdatetime\ndatetime\nq\\x02c_codecs\nencode\nq\\x03"
        + "X\\x0c\\x00\\x00\\x00\\x07\\xc3\\xa4\\x02\\x1d\\x01\\x02\\x03\\x00\\x0f\\xc2\\xa0q\\x04X\\x06\\x00\\x00\\x00latin1q\\x05\\x86"
        + "q\\x06Rq\\x07cdatetime\ntimezone\nq\\x08cdatetime\ntimedelta\nq\\x09K\\x00M\\x10\\x0eK\\x00\\x87q\\x0aRq\\x0b\\x85q\\x0cR"
        + "q\\x0d\\x86q\\x0eRq\\x0fX\\x02\\x00\\x00\\x00idq\\x10cuuid\nUUID\nq\\x11)\\x81q\\x12}q\\x13X\\x03\\x00\\x00\\x00intq\\x14K\\x05sb"
        + "X\\x01\\x00\\x00\\x00tq\\x15h\\x09K\\x01K\\x02J\\x20\\xa1\\x07\\x00\\x87Ru."

    @Test func `dates and UUIDs are read as data`() throws {
        let value = try read(Self.sample)
        #expect(
            value == [
                "when": .datetime(1_582_934_523_004),
                "id": .binary(BSONBinary(subtype: 4, bytes: [UInt8](repeating: 0, count: 15) + [5])),
                "t": .double(86_402.5),
            ])
    }

    @Test func `every half of a pickle is refused, and no change of a byte does harm`() throws {
        let whole = pickle(Self.sample)
        _ = try PickleReader().read(whole)
        for count in 0..<whole.count {
            #expect(throws: PickleError.self) { try PickleReader().read(Array(whole.prefix(count))) }
        }
        var generator = SystemRandomNumberGenerator()
        for index in whole.indices {
            for _ in 0..<24 {
                var changed = whole
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                guard let read = try? PickleReader().read(changed) else { continue }
                var document = BSONDocument()
                document.append("v", read.value)
                #expect(throws: Never.self) { try BSONDocument(validating: document.bytes) }
            }
        }
    }
}

@Suite struct PickleWriterTests {
    @Test func `what is written is read back`() throws {
        let document: BSONDocument = [
            "null": .null, "true": true, "false": false, "int": .int32(-5), "long": .int64(1 << 40),
            "double": 1.5,
            "text": "Käse \u{0} 🧶", "list": .array(.array([.int32(1), "a", ["b": .null]])),
            "empty": .array(.array([])),
            "object": [:], "bytes": .binary(BSONBinary(subtype: 0, bytes: [0, 127, 128, 255])),
        ]
        let read = try PickleReader().read(PickleWriter.encode(document))
        #expect(read.value == .document(document))
        #expect(read.unknownNames == 0)
    }

    @Test func `values that Python has no plain word for are text`() throws {
        let document: BSONDocument = [
            "date": .datetime(1_582_934_523_004),
            "uuid": .binary(BSONBinary(subtype: 4, bytes: Array(0..<16))),
            "decimal": .decimal128(decimal("9.90")),
        ]
        #expect(
            try PickleReader().read(PickleWriter.encode(document)).value == [
                "date": "2020-02-29T00:02:03.004Z", "uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f",
                "decimal": "9.90",
            ])
    }
}
