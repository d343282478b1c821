import SkeinPlatform

/// Standard output, a whole line in one call. A reader that has gone is no reason to stop.
enum Output {
    static func line(_ text: String = "") {
        write(text + "\n")
    }

    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { SkeinPlatform.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}
