import SkeinBSON

/// Where an event is written anew. Grows up to a limit; beyond it nothing is written, and it says so. One thread.
final class RewriteBuffer {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    private let maximumBytes: Int
    /// More was to be written than it may hold.
    private(set) var isOverfull = false

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
        capacity = 4096
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// What is written, until the next is.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: used) }

    func removeAll() {
        used = 0
        isOverfull = false
    }

    /// Gives back what one large event took.
    func shrink() {
        guard capacity > 1 << 20 else { return }
        base.deallocate()
        capacity = 4096
        base = .allocate(byteCount: capacity, alignment: 16)
        used = 0
    }

    private func reserve(_ count: Int) -> Bool {
        let needed = used + count
        guard needed <= maximumBytes, !isOverfull else {
            isOverfull = true
            return false
        }
        if needed > capacity {
            let larger = min(max(capacity * 2, needed), max(maximumBytes, needed))
            let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            memory.copyMemory(from: base, byteCount: used)
            base.deallocate()
            base = memory
            capacity = larger
        }
        return true
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, reserve(bytes.count) else { return }
        (base + used).copyMemory(from: source, byteCount: bytes.count)
        used += bytes.count
    }

    private func put(_ byte: UInt8) {
        guard reserve(1) else { return }
        base.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used += 1
    }

    private func put(_ word: Int32) {
        guard reserve(4) else { return }
        base.storeBytes(of: word.littleEndian, toByteOffset: used, as: Int32.self)
        used += 4
    }

    /// Type byte and key; the value must follow.
    func header(_ type: BSONType, _ key: UnsafeRawBufferPointer) {
        put(type.rawValue)
        append(key)
        put(UInt8(0))
    }

    /// The same for the element of an array.
    func header(_ type: BSONType, index: Int) {
        var digits = String(index)
        digits.withUTF8 { header(type, UnsafeRawBufferPointer($0)) }
    }

    /// The value of a string.
    func text(_ text: UnsafeRawBufferPointer) {
        put(Int32(truncatingIfNeeded: text.count + 1))
        append(text)
        put(UInt8(0))
    }

    /// Begins a document.
    /// - Returns: where, for ``end(_:)``.
    func begin() -> Int {
        let start = used
        put(Int32(0))
        return start
    }

    func end(_ start: Int) {
        put(UInt8(0))
        guard !isOverfull else { return }
        base.storeBytes(
            of: Int32(truncatingIfNeeded: used - start).littleEndian, toByteOffset: start, as: Int32.self)
    }

    /// Takes back what was written since a place.
    func cut(to offset: Int) { used = min(used, offset) }

    var count: Int { used }
}
