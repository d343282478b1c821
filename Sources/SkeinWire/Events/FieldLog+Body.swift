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
        if indexCount <= 64 {
            var writer = SmallBodyWriter(log: self, pointer: target)
            writer.writeAll()
            return writer.pointer
        }
        var writer = LargeBodyWriter(log: self, pointer: target)
        writer.write(prefix: 0, from: 0)
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
                adopt(offset: offset, size: keyLength + 2 + size, keyLength: keyLength, type: mark)
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
    private mutating func adopt(offset: Int, size: Int, keyLength: Int, type: UInt8) {
        let key = UnsafeRawPointer(fields + offset + 1)
        var dots = 0
        for position in 0..<keyLength where byte(key, position) == 0x2E { dots += 1 }
        let entry = FieldEntry(
            address: 0, head: Self.head(key, keyLength), offset: UInt32(offset), size: UInt32(size),
            keyLength: UInt16(keyLength),
            type: type,
            dots: UInt8(truncatingIfNeeded: min(dots, 255)), firstStep: firstStep(key, keyLength))
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

extension FieldLog {
    /// Writes one element without the first `prefix` bytes of its key. Returns the end.
    @inline(__always)
    fileprivate func writeElement(
        _ entry: FieldEntry, prefix: Int, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        target.storeBytes(of: entry.type, as: UInt8.self)
        let tail = Int(entry.size) - 1 - prefix
        Self.copy(keyPointer(entry) + prefix, tail, to: target + 1)
        return target + 1 + tail
    }
}

/// Nests the dotted keys of a log of at most 64 fields: one bit tells that an element is written.
private struct SmallBodyWriter {
    let log: FieldLog
    var pointer: UnsafeMutableRawPointer
    var done: UInt64 = 0

    init(log: FieldLog, pointer: UnsafeMutableRawPointer) {
        self.log = log
        self.pointer = pointer
    }

    @inline(__always)
    mutating func writeAll() {
        // Elements that stand side by side in the log go over in one copy.
        var run = 0
        var runEnd = 0
        var entry = log.index
        let end = entry + log.indexCount
        var bit: UInt64 = 1
        while entry < end {
            if done & bit == 0 {
                if entry.pointee.dots == 0 {
                    let offset = Int(entry.pointee.offset)
                    if offset != runEnd {
                        write(from: run, to: runEnd)
                        run = offset
                    }
                    runEnd = offset &+ Int(entry.pointee.size)
                } else {
                    write(from: run, to: runEnd)
                    run = runEnd
                    writeDocument(entry, bit, end)
                }
            }
            entry += 1
            bit = bit &<< 1
        }
        write(from: run, to: runEnd)
    }

    @inline(__always)
    private mutating func write(from start: Int, to end: Int) {
        guard end > start else { return }
        FieldLog.copy(log.fields + start, end &- start, to: pointer)
        pointer += end &- start
    }

    /// As ``writeGroup(_:prefix:from:)``, for a key's first step, which the entries know: the entry, its bit, and the end of all.
    @inline(__always)
    private mutating func writeDocument(
        _ first: UnsafeMutablePointer<FieldEntry>, _ bit: UInt64, _ end: UnsafeMutablePointer<FieldEntry>
    ) {
        let key = UnsafeRawPointer(log.fields + (Int(first.pointee.offset) &+ 1))
        let firstStep = first.pointee.firstStep
        let step = Int(firstStep)
        let mask = ~FieldLog.fill(min(step, 8))
        let head = first.pointee.head & mask
        let start = pointer
        start.storeBytes(of: BSONType.document.rawValue, as: UInt8.self)
        FieldLog.copy(key, step, to: start + 1)
        start.storeBytes(of: 0, toByteOffset: step &+ 1, as: UInt8.self)
        let document = start + (step &+ 2)
        var target = document + 4
        var other = first
        var bit = bit
        while other < end {
            // Where there is no dot the step is 0, and no first entry's.
            if other.pointee.firstStep == firstStep, other.pointee.head & mask == head, done & bit == 0,
                step <= 8 || memcmp(log.fields + (Int(other.pointee.offset) &+ 1), key, step) == 0
            {
                if other.pointee.dots == 1 {
                    done |= bit
                    target.storeBytes(of: other.pointee.type, as: UInt8.self)
                    let tail = Int(other.pointee.size) &- 2 &- step
                    FieldLog.copy(
                        log.fields + (Int(other.pointee.offset) &+ step &+ 2), tail, to: target + 1)
                    target += 1 &+ tail
                } else {
                    pointer = target
                    writeGroup(other.pointee, prefix: step &+ 1, from: other - log.index)
                    target = pointer
                }
            }
            other += 1
            bit = bit &<< 1
        }
        target.storeBytes(of: 0, as: UInt8.self)
        pointer = target + 1
        document.storeBytes(of: Int32(truncatingIfNeeded: pointer - document).littleEndian, as: Int32.self)
    }

    /// Opens the document that the entry's next step names, and writes all entries from `from` on that are below it.
    mutating func writeGroup(_ entry: FieldEntry, prefix: Int, from: Int) {
        let key = log.keyPointer(entry)
        var dot = prefix
        while log.byte(key, dot) != 0x2E { dot += 1 }
        let start = pointer
        start.storeBytes(of: BSONType.document.rawValue, as: UInt8.self)
        FieldLog.copy(key + prefix, dot - prefix, to: start + 1)
        start.storeBytes(of: 0, toByteOffset: dot - prefix + 1, as: UInt8.self)
        let document = start + (dot - prefix + 2)
        pointer = document + 4
        let inner = dot + 1
        for position in from..<log.indexCount where done & (1 &<< UInt64(position)) == 0 {
            let other = (log.index + position).pointee
            guard other.dots > 0, Int(other.keyLength) > inner, memcmp(log.keyPointer(other), key, inner) == 0
            else {
                continue
            }
            if memchr(log.keyPointer(other) + inner, 0x2E, Int(other.keyLength) - inner) == nil {
                done |= 1 &<< UInt64(position)
                pointer = log.writeElement(other, prefix: inner, to: pointer)
            } else {
                writeGroup(other, prefix: inner, from: position)
            }
        }
        pointer.storeBytes(of: 0, as: UInt8.self)
        pointer += 1
        document.storeBytes(of: Int32(truncatingIfNeeded: pointer - document).littleEndian, as: Int32.self)
    }
}

/// As the small one, for any number of fields.
private struct LargeBodyWriter {
    let log: FieldLog
    var pointer: UnsafeMutableRawPointer
    var done: [Bool]

    init(log: FieldLog, pointer: UnsafeMutableRawPointer) {
        self.log = log
        self.pointer = pointer
        done = [Bool](repeating: false, count: log.indexCount)
    }

    /// Writes all entries from `from` on that share the first `prefix` bytes of key with entry `from` (all, if 0).
    mutating func write(prefix: Int, from: Int) {
        let model = prefix > 0 ? log.keyPointer((log.index + from).pointee) : nil
        for position in from..<log.indexCount where !done[position] {
            let entry = (log.index + position).pointee
            let key = log.keyPointer(entry)
            let length = Int(entry.keyLength)
            if let model {
                guard length > prefix, memcmp(key, model, prefix) == 0 else { continue }
            }
            if entry.dots > 0, let dot = memchr(key + prefix, 0x2E, length - prefix) {
                let step = UnsafeRawPointer(dot) - (key + prefix)
                var raw = BSONRawWriter(pointer)
                let document = raw.beginDocument(
                    key: UnsafeRawBufferPointer(start: key + prefix, count: step))
                pointer = raw.pointer
                write(prefix: prefix + step + 1, from: position)
                raw.pointer = pointer
                raw.endDocument(document)
                pointer = raw.pointer
            } else {
                done[position] = true
                pointer = log.writeElement(entry, prefix: prefix, to: pointer)
            }
        }
    }
}
