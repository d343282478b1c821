import SkeinPlatform

/// Where output goes: a descriptor, through a buffer, or memory.
final class OutputSink {
    private let descriptor: Int32?
    private var buffer: [UInt8] = []
    private let limit = 64 << 10

    /// Writes to a descriptor, which stays the caller's.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        buffer.reserveCapacity(limit * 2)
    }

    /// Keeps everything in memory.
    init() {
        descriptor = nil
    }

    /// What has been written and is not flushed; everything, for a sink in memory.
    var text: String { String(decoding: buffer, as: UTF8.self) }
    var bytes: [UInt8] { buffer }

    /// Writes bytes, now or with a later call.
    func write(_ bytes: some Collection<UInt8>) throws(ToolFailure) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= limit, descriptor != nil { try flush() }
    }

    func write(_ text: String) throws(ToolFailure) {
        try write(text.utf8)
    }

    func writeLine(_ text: String) throws(ToolFailure) {
        try write(text.utf8)
        try write(CollectionOfOne(UInt8(ascii: "\n")))
    }

    /// Hands everything to the system.
    func flush() throws(ToolFailure) {
        guard let descriptor else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        var offset = 0
        while offset < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                systemWrite(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if count >= 0 {
                offset += count
                continue
            }
            let failure = SystemError.current
            switch failure.code {
            case EINTR: continue
            case EAGAIN: waitForRoom(descriptor)
            case EPIPE: throw .outputClosed
            default: throw .failed("cannot write the output: \(failure)")
            }
        }
    }

    /// A pipe that somebody else made non-blocking.
    private func waitForRoom(_ descriptor: Int32) {
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&item, 1, 1000)
    }
}

/// write(2), under a name that a method called `write` does not hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
