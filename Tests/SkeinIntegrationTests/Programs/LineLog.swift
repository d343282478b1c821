import Synchronization

/// The lines a program has said, and a way to wait for one of them.
final class LineLog: Sendable {
    struct Late: Error, CustomStringConvertible {
        var description: String
    }

    private struct Waiter {
        var isWanted: @Sendable (String) -> Bool
        /// The line, or nil when the output ended without it.
        var line: OneValue<String?>
    }

    private struct State {
        var lines: [String] = []
        var partial: [UInt8] = []
        var waiters: [Waiter] = []
    }

    private let name: String
    private let state = Mutex(State())
    private let ended = OneValue<Void>()

    init(name: String) {
        self.name = name
    }

    /// Everything said so far.
    var lines: [String] { state.withLock { $0.lines } }

    var text: String { lines.map { $0 + "\n" }.joined() }

    func append(_ bytes: some Sequence<UInt8>) {
        state.withLock { state in
            for byte in bytes {
                if byte == UInt8(ascii: "\n") { Self.endLine(&state) } else { state.partial.append(byte) }
            }
        }
    }

    /// Nothing more will come.
    func end() {
        state.withLock { state in
            if !state.partial.isEmpty { Self.endLine(&state) }
            ended.set(())
            for waiter in state.waiters { waiter.line.set(nil) }
            state.waiters = []
        }
    }

    private static func endLine(_ state: inout State) {
        let line = String(decoding: state.partial, as: UTF8.self)
        state.partial = []
        state.lines.append(line)
        state.waiters.removeAll { waiter in
            guard waiter.isWanted(line) else { return false }
            waiter.line.set(line)
            return true
        }
    }

    /// The first line, already said or still to come, that fits.
    func first(within limit: Double = 30, where isWanted: @escaping @Sendable (String) -> Bool) async throws
        -> String
    {
        let line = OneValue<String?>()
        state.withLock { state in
            if let said = state.lines.first(where: isWanted) {
                line.set(said)
            } else if ended.now != nil {
                line.set(nil)
            } else {
                state.waiters.append(Waiter(isWanted: isWanted, line: line))
            }
        }
        switch await line.wait(within: limit) {
        case .some(.some(let found)): return found
        case .some(.none): throw Late(description: "\(name) ended without the line; it said:\n\(text)")
        case .none: throw Late(description: "\(name) did not say the line in \(limit) s; it said:\n\(text)")
        }
    }

    /// Returns when the program has closed its output, or after `limit` seconds.
    func untilEnd(within limit: Double) async {
        _ = await ended.wait(within: limit)
    }
}
