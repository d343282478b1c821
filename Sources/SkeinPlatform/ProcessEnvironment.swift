internal import CSkeinPlatform

/// The process's environment variables, without Foundation.
public enum ProcessEnvironment {
    /// The variables whose names begin with a prefix, as they are now. Not while another thread sets variables.
    public static func variables(prefix: String) -> [String: String] {
        var variables: [String: String] = [:]
        var entry = skein_environment()
        while let text = entry.pointee {
            let pair = String(cString: text)
            if pair.hasPrefix(prefix), let equals = pair.firstIndex(of: "=") {
                variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }
}

/// Standard error, unbuffered.
public enum StandardError {
    /// Writes a whole line in one call, so that lines of several threads do not mix. What cannot be written is lost.
    public static func writeLine(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
