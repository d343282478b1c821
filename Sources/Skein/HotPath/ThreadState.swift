internal import SkeinPlatform
internal import SkeinWire
internal import Synchronization

/// What a thread keeps for the pipelines it records into: a generator, its shard, a pool of contexts, descriptors found by
/// their literal's address. Touched by its own thread only, through a raw pointer.
struct ThreadState {
    /// One remembered descriptor: which literal, below which parent's type, in which pipeline.
    struct Remembered {
        var literal: UInt = 0
        var parent: UInt = 0
        var pipeline: UInt = 0
        var descriptor: Unmanaged<TypeDescriptor>? = nil
    }

    static let rememberedCount = 256
    static let poolCapacity = 64

    var random = FastRandom()
    /// In the order in which threads first record: the shard is this modulo the number of shards.
    let ordinal: Int
    let remembered: UnsafeMutablePointer<Remembered>
    /// The pipeline whose contexts the pool holds.
    var poolOwner: UInt = 0
    let pool: UnsafeMutablePointer<Unmanaged<Context>>
    var poolCount = 0
    /// What log records are put together in, and whose pipeline's it is: apart from the pool, so that it finds the same keys.
    var recordOwner: UInt = 0
    var record: Unmanaged<Context>? = nil
    var recordKeys: UnsafeMutablePointer<RecordKeys.Entry>? = nil

    private init() {
        ordinal = ordinals.add(1, ordering: .relaxed).oldValue
        remembered = .allocate(capacity: Self.rememberedCount)
        remembered.initialize(repeating: Remembered(), count: Self.rememberedCount)
        pool = .allocate(capacity: Self.poolCapacity)
    }

    /// The calling thread's state.
    static var current: UnsafeMutablePointer<ThreadState> { find(key) }

    /// As ``current``, 2 ns: the key need not be asked for.
    @inline(__always)
    static func current(_ core: HotCorePointer) -> UnsafeMutablePointer<ThreadState> {
        find(core.pointee.threadKey)
    }

    /// What finds each thread's own.
    static var key: pthread_key_t { threadKey }

    @inline(__always)
    private static func find(_ key: pthread_key_t) -> UnsafeMutablePointer<ThreadState> {
        if let pointer = pthread_getspecific(key) {
            return pointer.assumingMemoryBound(to: ThreadState.self)
        }
        return make()
    }

    @inline(never)
    private static func make() -> UnsafeMutablePointer<ThreadState> {
        let state = UnsafeMutablePointer<ThreadState>.allocate(capacity: 1)
        state.initialize(to: ThreadState())
        pthread_setspecific(threadKey, state)
        return state
    }

    static func destroy(_ state: UnsafeMutablePointer<ThreadState>) {
        state.drainPool()
        state.pointee.record?.release()
        state.pointee.recordKeys?.deallocate()
        state.pointee.remembered.deallocate()
        state.pointee.pool.deallocate()
        state.deallocate()
    }
}

extension UnsafeMutablePointer where Pointee == ThreadState {
    /// Frees the pooled contexts, for a thread that ends or turns to another pipeline.
    @inline(never)
    func drainPool() {
        while pointee.poolCount > 0 {
            pointee.poolCount -= 1
            pointee.pool[pointee.poolCount].release()
        }
        pointee.poolOwner = 0
    }
}

private let ordinals = Atomic<Int>(0)

private let threadKey: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
        #if canImport(Darwin)
            ThreadState.destroy(pointer.assumingMemoryBound(to: ThreadState.self))
        #else
            if let pointer { ThreadState.destroy(pointer.assumingMemoryBound(to: ThreadState.self)) }
        #endif
    }
    return key
}()
