import SkeinPlatform

/// Standard output, a line at a time: a pipe's reader sees it at once, and a kill loses none of it.
enum Output {
    static func line(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
