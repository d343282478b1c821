import SkeinPlatform

/// One event file that the files outlet writes: what is gathered for it, and how far it is.
///
/// A struct without references, in memory of ``FileSlots``, so that the loop over events counts no references.
struct FileSlot {
    /// Events that were taken and not written yet.
    var buffer: UnsafeMutableRawPointer?
    var capacity = 0
    var used = 0
    /// -1 while closed.
    var descriptor: Int32 = -1
    /// Bytes of the file that are known to be what they should be; the next event goes here.
    var length = 0
    /// Beyond `length`: how far the file reaches that an earlier life of the process wrote. To be compared.
    var verifyEnd = 0
    /// Bytes of the file up to here are on their way to the disk, or there; a multiple of ``writeBehind``.
    var begun = 0
    /// Monotonic nanoseconds.
    var lastUse: Int64 = 0
    /// Identity of the file, so that two names of one file are found.
    var device: UInt64 = 0
    var inode: UInt64 = 0
    /// Index of its day in the outlet's list of days.
    var day = 0
    /// Whether the checkpoint's file says where the file ended when the last checkpoint was taken.
    var isNoted = false
    /// Whether what it says of the file is no longer true, so that the next note must say so.
    var noteReplaces = false
    /// Whether something was written since the last checkpoint began.
    var isDirty = false
    /// Whether the slot is in use at all.
    var isUsed = false

    /// A file that grows by so much is written to the disk so much at a time, without anybody waiting for it, and leaves the
    /// kernel's cache behind that: a day's file needs some 30 MB of it and no more.
    static let writeBehind = 8 << 20

    /// After a write: sends what is whole windows on its way, and gives back the memory of those before.
    @inline(__always)
    mutating func writeBehind() {
        if length &- begun >= Self.writeBehind { sendWindows() }
    }

    @inline(never)
    private mutating func sendWindows() {
        let end = length & ~(Self.writeBehind - 1)
        PageCache.beginWriting(descriptor, from: begun, count: end - begun)
        // The disk has had a window's time for the last ones. What it was too slow for gets two more chances.
        let start = max(0, begun - 3 * Self.writeBehind)
        if begun > start { PageCache.release(descriptor, from: start, count: begun - start) }
        begun = end
    }

    /// Adds a document to the buffer.
    @inline(__always)
    mutating func append(_ document: UnsafeRawBufferPointer) {
        let end = used &+ document.count
        if end > capacity { grow(end) }
        guard let buffer, let source = document.baseAddress else { return }
        memcpy(buffer + used, source, document.count)
        used = end
    }

    @inline(never)
    private mutating func grow(_ needed: Int) {
        capacity = max(needed, capacity * 2, 16 << 10)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        if let buffer {
            larger.copyMemory(from: buffer, byteCount: used)
            buffer.deallocate()
        }
        buffer = larger
    }

    /// Gives the buffer's memory back.
    mutating func freeBuffer() {
        buffer?.deallocate()
        buffer = nil
        capacity = 0
        used = 0
    }
}

/// The files outlet's slots, by index; indices of closed files are used again.
final class FileSlots {
    private(set) var slots: UnsafeMutablePointer<FileSlot>
    /// The path of each slot, below the root.
    private(set) var paths: [String] = []
    private var capacity = 64
    private var free: [Int] = []

    init() {
        slots = .allocate(capacity: capacity)
    }

    deinit {
        for index in paths.indices {
            slots[index].freeBuffer()
            if slots[index].descriptor >= 0 { _ = close(slots[index].descriptor) }
        }
        slots.deallocate()
    }

    /// Every index that was ever used; ask ``FileSlot/isUsed``.
    var indices: Range<Int> { paths.indices }

    /// How many slots are in use.
    var count: Int { paths.count - free.count }

    func add(path: String) -> Int {
        if let index = free.popLast() {
            paths[index] = path
            slots[index] = FileSlot()
            slots[index].isUsed = true
            return index
        }
        if paths.count == capacity {
            let larger = UnsafeMutablePointer<FileSlot>.allocate(capacity: capacity * 2)
            larger.moveInitialize(from: slots, count: paths.count)
            slots.deallocate()
            slots = larger
            capacity *= 2
        }
        let index = paths.count
        paths.append(path)
        (slots + index).initialize(to: FileSlot())
        slots[index].isUsed = true
        return index
    }

    /// Closes a file and forgets it.
    func remove(_ index: Int) {
        slots[index].freeBuffer()
        if slots[index].descriptor >= 0 { _ = close(slots[index].descriptor) }
        slots[index] = FileSlot()
        free.append(index)
    }
}
