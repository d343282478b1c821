package import SkeinPlatform
import Synchronization

/// Files that are anonymous memory: a journal without a folder. They go with the last reference to them.
package final class MemoryStorage: JournalStorage {
    private let files = Monitor<[String: MemoryFile]>([:])

    package init() {}

    package var isPersistent: Bool { false }

    package func createFolder(_ path: String) throws(SystemError) {}

    package func names(in folder: String) throws(SystemError) -> [String] {
        files.withLock { files in
            files.keys.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }
        }
    }

    package func open(_ path: String, create: Bool) throws(SystemError) -> any JournalFile {
        let found = files.withLock { files -> MemoryFile? in
            if let file = files[path] { return file }
            guard create else { return nil }
            let file = MemoryFile()
            files[path] = file
            return file
        }
        guard let found else { throw SystemError(code: ENOENT) }
        return found
    }

    package func remove(_ path: String) throws(SystemError) {
        guard files.withLock({ $0.removeValue(forKey: path) }) != nil else {
            throw SystemError(code: ENOENT)
        }
    }

    package func removeFolder(_ path: String) throws(SystemError) {}
    package func syncFolder(_ path: String) throws(SystemError) {}

    package func lock(_ path: String) throws(SystemError) -> (any JournalLock)? { MemoryLock() }
}

private final class MemoryLock: JournalLock {
    var keepsReservations: Bool { true }
    func release() {}
    func forgetInChild() {}
}

private final class MemoryFile: JournalFile {
    private struct State {
        var mapping: Mapping?
        var count = 0
    }

    private let state = Monitor(State())

    func byteCount() throws(SystemError) -> Int { state.withLock { $0.count } }

    func reserve(_ bytes: Int) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            if state.mapping.map({ $0.byteCount < bytes }) ?? true {
                let rounded = (bytes + 4095) & ~4095
                let mapping = Mapping(base: try MemoryMap.anonymous(bytes: rounded), byteCount: rounded)
                if let old = state.mapping {
                    mapping.base.copyMemory(from: old.base, byteCount: state.count)
                }
                state.mapping = mapping
            }
            state.count = max(state.count, bytes)
        }
    }

    func resize(_ bytes: Int) throws(SystemError) {
        if try bytes > byteCount() { try reserve(bytes) }
        state.withLock { $0.count = bytes }
    }

    var keepsReservations: Bool { true }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        state.withLock { state in
            guard let mapping = state.mapping, offset < state.count else { return 0 }
            let count = min(buffer.count, state.count - offset)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: mapping.bytes[offset..<offset + count]))
            return count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
        if try offset + bytes.count > byteCount() { try reserve(offset + bytes.count) }
        state.withLock { state in
            guard let base = bytes.baseAddress else { return }
            state.mapping?.base.advanced(by: offset).copyMemory(from: base, byteCount: bytes.count)
        }
    }

    func sync() throws(SystemError) {}

    func map(_ bytes: Int, writable: Bool) throws(SystemError) -> Mapping {
        let mapping = state.withLock { state in
            state.mapping.flatMap { bytes <= $0.byteCount ? Mapping($0, byteCount: bytes) : nil }
        }
        guard let mapping else { throw SystemError(code: EINVAL) }
        return mapping
    }
}
