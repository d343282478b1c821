import SkeinBSON
import SkeinPlatform

extension FieldLog {
    /// No body that ``encodeBody(into:)`` writes is larger than this.
    @inlinable @inline(__always)
    public var bodyBound: Int { length + 7 * dots + 5 }

    /// Writes the body document: the live elements, dotted keys nested, in order of first writing.
    ///
    /// Costs a copy of the elements when no key is dotted and none was replaced; else one pass an element, and
    /// one more for each group of dotted keys.
    /// - Returns: the bytes written, at most ``bodyBound``.
    @inline(__always)
    public func encodeBody(into target: UnsafeMutableRawPointer) -> Int {
        let end: UnsafeMutableRawPointer
        if dots == 0 && dead == 0 {
            (target + 4).copyMemory(from: fields, byteCount: length)
            end = target + 4 + length
        } else {
            end = encodeNested(target + 4)
        }
        end.storeBytes(of: 0, as: UInt8.self)
        let size = end + 1 - target
        target.storeBytes(of: Int32(truncatingIfNeeded: size).littleEndian, as: Int32.self)
        return size
    }

    @inline(never)
    private func encodeNested(_ target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var writer = BodyWriter(log: self, pointer: target)
        if indexCount <= 64 {
            var done: UInt64 = 0
            writer.write(
                prefix: 0, from: 0, isDone: { done & (1 << UInt64($0)) != 0 },
                finish: { done |= 1 << UInt64($0) })
        } else {
            var done = [Bool](repeating: false, count: indexCount)
            writer.write(prefix: 0, from: 0, isDone: { done[$0] }, finish: { done[$0] = true })
        }
        return writer.pointer
    }

    /// Rebuilds the index from the bytes of a slot that another process left. Bytes that make no sense end the walk.
    /// - Returns: how many bytes of the committed ones could not be read.
    public mutating func recover(committed: Int) -> Int {
        reset()
        let end = min(max(committed, 0), capacity)
        var offset = 0
        while offset < end {
            let mark = byte(UnsafeRawPointer(fields), offset)
            guard let zero = memchr(fields + offset + 1, 0, end - offset - 1) else { break }
            let keyLength = UnsafeRawPointer(zero) - UnsafeRawPointer(fields + offset + 1)
            let start = offset + keyLength + 2
            guard keyLength > 0, keyLength <= Int(UInt16.max),
                let size = Self.valueSize(mark, fields + start, available: end - start)
            else { break }
            if mark & 0x80 == 0 {
                adopt(offset: offset, keyLength: keyLength, type: mark)
            } else {
                dead += 1
            }
            offset = start + size
        }
        length = offset
        return end - offset
    }

    /// Adds an element that already stands in the block. An older one of the same key, whose owner died before marking it
    /// dead, gives way.
    private mutating func adopt(offset: Int, keyLength: Int, type: UInt8) {
        let key = UnsafeRawPointer(fields + offset + 1)
        var dots = 0
        for position in 0..<keyLength where byte(key, position) == 0x2E { dots += 1 }
        let entry = FieldEntry(
            address: 0, head: Self.head(key, keyLength), offset: UInt32(offset), keyLength: UInt16(keyLength),
            type: type,
            dots: UInt8(truncatingIfNeeded: min(dots, 255)))
        let older = findExact(key, keyLength)
        if older >= 0 {
            dead += 1
            (index + older).pointee = entry
            return
        }
        if indexCount == indexCapacity {
            let larger = UnsafeMutablePointer<FieldEntry>.allocate(capacity: indexCapacity * 4)
            larger.moveInitialize(from: index, count: indexCount)
            index.deallocate()
            index = larger
            indexCapacity *= 4
        }
        (index + indexCount).initialize(to: entry)
        indexCount += 1
        self.dots += dots
    }
}

/// Writes elements of a log with their first `prefix` bytes of path already opened as documents.
private struct BodyWriter {
    let log: FieldLog
    var pointer: UnsafeMutableRawPointer

    /// Writes all entries from `from` on that share the first `prefix` bytes of key with entry `from` (all, if 0).
    mutating func write(prefix: Int, from: Int, isDone: (Int) -> Bool, finish: (Int) -> Void) {
        let model = prefix > 0 ? log.keyPointer((log.index + from).pointee) : nil
        for position in from..<log.indexCount {
            if isDone(position) { continue }
            let entry = (log.index + position).pointee
            let key = log.keyPointer(entry)
            let length = Int(entry.keyLength)
            if let model {
                guard length > prefix, memcmp(key, model, prefix) == 0 else { continue }
            }
            let rest = key + prefix
            let restLength = length - prefix
            if entry.dots > 0, let dot = memchr(rest, 0x2E, restLength) {
                let step = UnsafeRawPointer(dot) - rest
                var raw = BSONRawWriter(pointer)
                let document = raw.beginDocument(key: UnsafeRawBufferPointer(start: rest, count: step))
                pointer = raw.pointer
                write(prefix: prefix + step + 1, from: position, isDone: isDone, finish: finish)
                raw.pointer = pointer
                raw.endDocument(document)
                pointer = raw.pointer
            } else {
                finish(position)
                let size = log.elementSize(entry)
                pointer.storeBytes(of: entry.type, as: UInt8.self)
                let tail = size - 1 - prefix
                (pointer + 1).copyMemory(from: rest, byteCount: tail)
                pointer += 1 + tail
            }
        }
    }
}
