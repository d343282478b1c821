import SkeinPlatform

/// The lines that come out of a program, read with a deadline. One thread at a time.
final class LineReader {
    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// A line beyond this is given in pieces: nobody can fill our memory.
    private static let maximumBytes = 16 << 20

    /// The descriptor stays its owner's.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    enum Outcome {
        case line(String)
        case end
        case late
    }

    func next(until deadline: Int64) -> Outcome {
        var buffer = [UInt8](repeating: 0, count: 0)
        while true {
            if let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return .line(String(decoding: bytes[start..<end], as: UTF8.self))
            }
            if isAtEnd || bytes.count - start > Self.maximumBytes {
                guard start < bytes.count else { return .end }
                defer { start = bytes.count }
                return .line(String(decoding: bytes[start...], as: UTF8.self))
            }
            let left =
                deadline == .max ? Int64.max : (deadline - SystemClock.monotonicNanoseconds()) / 1_000_000
            guard left > 0 else { return .late }
            var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&item, 1, left > 1_000_000 ? -1 : Int32(left) + 1)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: 64 << 10) }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            bytes.removeSubrange(..<start)
            start = 0
            if count <= 0 { isAtEnd = true } else { bytes += buffer[..<count] }
        }
    }
}
