import SkeinPlatform

/// A sliding window over a stream of bytes: what was read and is not yet used up, in one piece.
///
/// Bytes come in at the end and leave at the start. Room is made by moving the rest to the front, and only then
/// by growing, so that a document is always contiguous and a whole scan allocates once.
struct ByteWindow: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0

    init(capacity: Int) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        memory.deallocate()
    }

    /// The bytes that wait. Valid until the next mutation.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory + start, count: end - start)
    }

    var count: Int { end - start }

    /// Lets go of the first `count` bytes.
    mutating func drop(_ count: Int) {
        start += min(max(count, 0), end - start)
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Appends a copy.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        room(atLeast: bytes.count).copyMemory(from: bytes)
        didAppend(bytes.count)
    }

    /// Room to append at least `minimum` bytes; what lies there is uninitialised. Follow with `didAppend`.
    mutating func room(atLeast minimum: Int) -> UnsafeMutableRawBufferPointer {
        if capacity - end < minimum {
            let kept = end - start
            // Moving much to gain little would make a long scan quadratic.
            if capacity - kept < max(minimum, kept / 4) {
                let larger = max(capacity * 2, kept + minimum)
                let grown = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
                grown.copyMemory(from: memory + start, byteCount: kept)
                memory.deallocate()
                memory = grown
                capacity = larger
            } else {
                memmove(memory, memory + start, kept)
            }
            start = 0
            end = kept
        }
        return UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end)
    }

    /// Says that `count` bytes were put into the room.
    mutating func didAppend(_ count: Int) {
        end += min(max(count, 0), capacity - end)
    }
}
