internal import SkeinPlatform
internal import Synchronization

/// Keys below a literal one (`data.` and what a record's metadata is called), each at an address of its own for ever, as literals
/// are: code that logs the same keys again finds their places in the event without a comparison.
///
/// Bounded: of the first 4,096 different keys of at most 128 bytes in the process; what is beyond is written as any computed key.
enum RecordKeys {
    /// One remembered key, in a table of its thread's.
    struct Entry {
        var parent: UInt = 0
        /// The key's first eight bytes, zeros behind a shorter one.
        var head: UInt64 = 0
        /// Of the key itself.
        var count = -1
        /// Of the whole path.
        var address: UnsafeRawPointer? = nil
    }

    static let rememberedCount = 128
    private static let mostBytes = 128
    private static let most = 4_096
    private static let known = Monitor<[[UInt8]: UInt]>([:])
    private static let isFull = Atomic<Bool>(false)

    /// The path of a key below a literal one, if it is kept.
    @inline(__always)
    static func path(
        _ parent: StaticString, _ key: UnsafeBufferPointer<UInt8>, _ thread: UnsafeMutablePointer<ThreadState>
    ) -> UnsafeRawPointer? {
        guard let base = UnsafeRawPointer(key.baseAddress), key.count <= mostBytes else { return nil }
        let head = head(base, key.count)
        let literal = UInt(bitPattern: parent.utf8Start)
        // Fibonacci hashing (Knuth, volume 3, 6.4).
        let place = Int(
            truncatingIfNeeded: ((head ^ UInt64(key.count)) &* 0x9E37_79B9_7F4A_7C15) >> 57)
        let entry = table(thread) + place
        if entry.pointee.head == head, entry.pointee.count == key.count, entry.pointee.parent == literal,
            let address = entry.pointee.address,
            key.count <= 8 || memcmp(address + parent.utf8CodeUnitCount + 1, base, key.count) == 0
        {
            return address
        }
        guard let address = intern(parent, key) else { return nil }
        entry.pointee = Entry(parent: literal, head: head, count: key.count, address: address)
        return address
    }

    @inline(__always)
    private static func table(_ thread: UnsafeMutablePointer<ThreadState>) -> UnsafeMutablePointer<Entry> {
        if let table = thread.pointee.recordKeys { return table }
        let table = UnsafeMutablePointer<Entry>.allocate(capacity: rememberedCount)
        table.initialize(repeating: Entry(), count: rememberedCount)
        thread.pointee.recordKeys = table
        return table
    }

    @inline(__always)
    private static func head(_ key: UnsafeRawPointer, _ count: Int) -> UInt64 {
        if count >= 8 { return key.loadUnaligned(as: UInt64.self) }
        var head: UInt64 = 0
        var offset = 0
        while offset < count {
            head |= UInt64(key.load(fromByteOffset: offset, as: UInt8.self)) << UInt64(8 * offset)
            offset += 1
        }
        return head
    }

    @inline(never)
    private static func intern(_ parent: StaticString, _ key: UnsafeBufferPointer<UInt8>) -> UnsafeRawPointer?
    {
        if isFull.load(ordering: .relaxed) { return nil }
        let head = UnsafeBufferPointer(start: parent.utf8Start, count: parent.utf8CodeUnitCount)
        let path = Array(head) + [0x2E] + Array(key)
        let address = known.withLock { known -> UInt in
            if let old = known[path] { return old }
            guard known.count < most else {
                isFull.store(true, ordering: .relaxed)
                return 0
            }
            let copy = UnsafeMutableRawPointer.allocate(byteCount: path.count, alignment: 1)
            copy.copyMemory(from: path, byteCount: path.count)
            known[path] = UInt(bitPattern: copy)
            return UInt(bitPattern: copy)
        }
        return UnsafeRawPointer(bitPattern: address)
    }
}
