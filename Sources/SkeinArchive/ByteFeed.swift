import SkeinPlatform

/// A file's content as one sliding window of plain bytes, whether the file is plain, compressed by zstd, or parts
/// of both one after the other.
struct ByteFeed: ~Copyable {
    /// The content that was read and is not used up.
    private(set) var window: ByteWindow
    /// What was read and is not yet decompressed. Empty in a plain part.
    private var compressed: ByteWindow
    private var decoder: ZstdDecoder?
    private var part = Part.plain
    private let input: FileInput

    private enum Part {
        case plain
        case insideFrame
        /// A frame has ended: another may follow, or plain bytes.
        case betweenFrames
    }

    /// What a call brought.
    enum Outcome {
        case more
        /// Nothing more for now.
        case end
        /// Compressed bytes that cannot be read, and why. What was in the window is gone (so many bytes), since nothing
        /// joins it any more; in it are now the bytes behind the place, as they are.
        case broken(String, dropped: Int)
    }

    /// How much to read at once: what a core's cache holds.
    static let readBytes = 256 << 10

    init(_ input: consuming FileInput) {
        self.input = input
        window = ByteWindow(capacity: Self.readBytes * 2)
        compressed = ByteWindow(capacity: 0)
    }

    var descriptor: Int32 { input.descriptor }
    var bytes: UnsafeRawBufferPointer { window.bytes }
    var isPlain: Bool { part == .plain }

    mutating func drop(_ count: Int) { window.drop(count) }

    /// Takes what the window holds for the beginning of a zstd frame.
    mutating func beginFrame() {
        compressed.append(window.bytes)
        window.drop(window.count)
        part = .betweenFrames
    }

    /// Brings in more content, waiting for it if the input is a pipe.
    mutating func fill(name: String) throws(ArchiveError) -> Outcome {
        while true {
            switch part {
            case .plain:
                let count = try input.fetch(into: window.room(atLeast: Self.readBytes), name: name)
                window.didAppend(count)
                return count > 0 ? .more : .end
            case .betweenFrames:
                if compressed.count < 4, try fetchCompressed(name: name) { continue }
                if ZstdDecoder.isFrameStart(compressed.bytes) {
                    part = .insideFrame
                } else {
                    // Plain bytes follow (or the end).
                    part = .plain
                    guard compressed.count > 0 else { continue }
                    window.append(compressed.bytes)
                    compressed.drop(compressed.count)
                    return .more
                }
            case .insideFrame:
                if let outcome = try unzip(name: name) { return outcome }
            }
        }
    }

    /// One step of decompression; nil if it brought nothing and there may be more.
    private mutating func unzip(name: String) throws(ArchiveError) -> Outcome? {
        if compressed.count == 0, try !fetchCompressed(name: name) {
            return giveUp("the file ends inside a compressed frame")
        }
        let decoder: ZstdDecoder
        if let made = self.decoder { decoder = made } else { decoder = try ZstdDecoder() }
        self.decoder = decoder
        let step: ZstdDecoder.Step
        do throws(ArchiveError) {
            step = try decoder.step(from: compressed.bytes, into: window.room(atLeast: Self.readBytes))
        } catch {
            guard error.code == .corrupt else { throw error }
            return giveUp(error.message)
        }
        compressed.drop(step.consumed)
        window.didAppend(step.produced)
        if step.isFrameEnd { part = .betweenFrames }
        return step.produced > 0 ? .more : nil
    }

    private mutating func fetchCompressed(name: String) throws(ArchiveError) -> Bool {
        let count = try input.fetch(into: compressed.room(atLeast: Self.readBytes), name: name)
        compressed.didAppend(count)
        return count > 0
    }

    /// Leaves a broken frame. Whoever reads looks through what follows it for events and further frames.
    private mutating func giveUp(_ reason: String) -> Outcome {
        decoder?.reset()
        part = .plain
        // At least a byte goes, or the same frame would be found again.
        let skipped = min(compressed.count, 1)
        compressed.drop(skipped)
        let dropped = window.count + skipped
        window.drop(window.count)
        window.append(compressed.bytes)
        compressed.drop(compressed.count)
        return .broken(reason, dropped: dropped)
    }
}
