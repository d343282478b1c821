import SkeinPlatform

/// Why no record counts at a place of a segment, in words.
enum RecordFault {
    /// - Parameter limit: where the segment ends.
    static func reason(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, limit: Int, _ checksum: RecordChecksum
    ) -> String {
        guard offset + RecordLayout.headerBytes <= limit, let base = bytes.baseAddress else {
            return "the file ends inside a record's header"
        }
        let start = base + offset
        let length = Int(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
        let kind = start.load(fromByteOffset: RecordLayout.kindOffset, as: UInt8.self)
        let header = UnsafeRawBufferPointer(start: start, count: RecordLayout.headerBytes)
        if header.allSatisfy({ $0 == 0 }) { return "zeros where a record was" }
        guard RecordKind(rawValue: kind) != nil else { return "kind \(kind) is none" }
        guard RecordLayout.total(length) <= limit - offset else {
            return "its length of \(length) bytes goes beyond the segment"
        }
        guard
            let record = RecordView(
                prefixOf: UnsafeRawBufferPointer(rebasing: bytes[offset..<limit]))
        else { return "a reserved field is not zero" }
        if record.flags & RecordFlags.checksum == 0 && record.checksum == 0 {
            return "no checksum, and nothing says that it was committed"
        }
        let expected = checksum.of(record)
        if expected == record.checksum { return "its number \(record.number) does not follow" }
        return "its checksum is \(hex(record.checksum)), and should be \(hex(expected))"
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

extension SegmentWalk {
    /// Where a segment has no whole record, up to an end.
    func gaps(to end: Int) -> [Range<Int>] {
        var gaps: [Range<Int>] = []
        var offset = SegmentHeader.bytes
        for extent in extents {
            if extent.lowerBound > offset { gaps.append(offset..<extent.lowerBound) }
            offset = extent.upperBound
        }
        if end > offset { gaps.append(offset..<end) }
        return gaps
    }

    /// Where the last whole record ends.
    var wholeEnd: Int { extents.last?.upperBound ?? SegmentHeader.bytes }
}
