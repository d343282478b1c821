public import SkeinBSON

/// Writes BSON as a pickle of protocol 2, which every Python from 2.3 on loads, with plain values only.
///
/// | BSON | Python |
/// |---|---|
/// | document, array | `dict`, `list` |
/// | string, symbol, JavaScript | `str` |
/// | bool, int32, int64, double | `bool`, `int`, `float` |
/// | null, undefined, min and max key | `None` |
/// | binary | `bytes`, as Python itself spells it in protocol 2: `_codecs.encode(text, "latin1")`; of subtype 4 the UUID as text |
/// | datetime | text, `2026-11-20T22:15:00.123Z` |
/// | decimal128, object id, regular expression, timestamp and the like | text |
///
/// `_codecs.encode` is the only name that a pickle of this writer refers to. About 25 ns a value. Any thread.
///
/// ```swift
/// let pickle = PickleWriter.encode(["msg": "hello", "levelno": 20])
/// ```
public enum PickleWriter {
    /// The document as a pickle of a `dict`.
    public static func encode(_ document: BSONDocument) -> [UInt8] {
        document.withView { encode($0) }
    }

    /// The same for a document that stands elsewhere. What is malformed in it is left out.
    public static func encode(_ view: BSONView) -> [UInt8] {
        var output = PickleOutput()
        output.bytes.reserveCapacity(view.bytes.count + view.bytes.count / 4)
        output.bytes += [PickleInstruction.proto.rawValue, 2]
        output.dictionary(view)
        output.instruction(.stop)
        return output.bytes
    }
}

/// The bytes of a pickle being written.
struct PickleOutput {
    var bytes: [UInt8] = []

    mutating func instruction(_ instruction: PickleInstruction) { bytes.append(instruction.rawValue) }

    mutating func dictionary(_ view: BSONView) {
        instruction(.emptyDict)
        instruction(.mark)
        var elements = view.makeElements()
        while let element = elements.nextIfValid() {
            text(element.key)
            value(element)
        }
        instruction(.setItems)
    }

    private mutating func array(_ view: BSONView) {
        instruction(.emptyList)
        instruction(.mark)
        var elements = view.makeElements()
        while let element = elements.nextIfValid() { value(element) }
        instruction(.appends)
    }

    private mutating func value(_ element: BSONElement) {
        switch element.type {
        case .document: if let view = element.document { dictionary(view) }
        case .array: if let view = element.document { array(view) }
        case .string: text(element.textBytes() ?? element.key)
        case .bool: instruction(element.bool == true ? .newTrue : .newFalse)
        case .int32, .int64: integer(element.integer ?? 0)
        case .double:
            instruction(.binaryFloat)
            withUnsafeBytes(of: (element.number ?? .nan).bitPattern.bigEndian) { bytes += $0 }
        case .null, .undefined, .minKey, .maxKey: instruction(.none)
        case .binary:
            guard let binary = element.binary else { return }
            if binary.subtype == 4 { fallthrough }
            byteString(binary.bytes)
        default: text((try? element.bsonValue())?.plainText ?? "")
        }
    }

    private mutating func integer(_ number: Int64) {
        if let short = Int32(exactly: number) {
            instruction(.binaryInt)
            withUnsafeBytes(of: short.littleEndian) { bytes += $0 }
        } else {
            instruction(.long1)
            bytes.append(8)
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
    }

    private mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { self.text(UnsafeRawBufferPointer($0)) }
    }

    private mutating func text(_ utf8: UnsafeRawBufferPointer) {
        guard UTF8Validation.isValid(utf8) else { return text(String(decoding: utf8, as: UTF8.self)) }
        instruction(.binaryUnicode)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: utf8.count).littleEndian) { bytes += $0 }
        bytes += utf8
    }

    private mutating func byteString(_ source: UnsafeRawBufferPointer) {
        instruction(.global)
        bytes += "_codecs\nencode\n".utf8
        text(String(String.UnicodeScalarView(source.map { Unicode.Scalar($0) })))
        text("latin1")
        instruction(.tuple2)
        instruction(.reduce)
    }
}
