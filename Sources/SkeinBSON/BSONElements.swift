/// Walks the elements of one document in untrusted bytes.
///
/// Every access is bounds-checked; the first malformed element ends the walk with an error. About 5 ns an
/// element, no allocation, no reference counts. Text is not checked for UTF-8. Valid only while the bytes are.
@frozen public struct BSONElements {
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline var offset: Int
    /// The index of the document's last byte, its terminator.
    @usableFromInline let end: Int

    /// What a step found.
    @usableFromInline @frozen enum Step {
        case element(BSONElement)
        case end
        case fault(BSONFault, at: Int)
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress, bytes.count >= 5 {
            self.base = base
            offset = 4
            end = bytes.count - 1
        } else {
            // Too short to be a document: nothing to walk. The pointer is never read, since offset == end.
            base = UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
            offset = 0
            end = 0
        }
    }

    /// The next element, or nil at the end of the document.
    ///
    /// - Throws: what is malformed, and where. After an error, every further call throws it again.
    @inlinable
    public mutating func next() throws(BSONError) -> BSONElement? {
        switch step() {
        case .element(let element): return element
        case .end: return nil
        case .fault(let fault, let offset): throw fault.error(at: offset)
        }
    }

    /// The next element; nil at the end and at the first malformed one.
    @inlinable
    public mutating func nextIfValid() -> BSONElement? {
        if case .element(let element) = step() { element } else { nil }
    }

    @inlinable @inline(__always)
    mutating func step() -> Step {
        if offset >= end { return .end }
        let type = base.load(fromByteOffset: offset, as: UInt8.self)
        let keyStart = offset &+ 1
        let keyEnd = BSONLayout.indexOfZero(base, from: keyStart, to: end)
        if keyEnd < 0 { return .fault(type == 0 ? .badLength : .missingTerminator, at: offset) }
        let valueStart = keyEnd &+ 1
        guard let known = BSONType(byte: type) else { return .fault(.unknownType, at: offset) }
        let size = BSONLayout.valueSize(known, base + valueStart, available: end &- valueStart)
        if size < 0 { return .fault(BSONLayout.fault(size), at: valueStart) }
        offset = valueStart &+ size
        return .element(
            BSONElement(
                type: known,
                key: UnsafeRawBufferPointer(start: base + keyStart, count: keyEnd &- keyStart),
                value: UnsafeRawBufferPointer(start: base + valueStart, count: size)))
    }

    /// Goes to an offset that an earlier walk over the same bytes stood at.
    mutating func resume(at offset: Int) {
        if self.offset < end { self.offset = offset }
    }

    /// Goes on to the element of this key; nil at the end and at the first malformed element.
    mutating func next(key: UnsafeRawBufferPointer) -> BSONElement? {
        while case .element(let element) = step() {
            if BSONLayout.equal(element.key, key) { return element }
        }
        return nil
    }
}
