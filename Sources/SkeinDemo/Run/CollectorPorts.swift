/// The addresses that a collector's start line names: `control 127.0.0.1:3513`, in any order, with any punctuation.
struct CollectorPorts {
    var control: String
    var deliver: String
    var collect: String?
    var stream: String?

    /// Nil if the line is another one.
    init?(startLine: String) {
        var found: [String: String] = [:]
        var name: String?
        for piece in startLine.split(whereSeparator: { " \t,;=()".contains($0) }) {
            let word = piece.hasSuffix(":") ? piece.dropLast() : piece
            if ["control", "collect", "deliver", "stream"].contains(word.lowercased()) {
                name = word.lowercased()
            } else if let current = name {
                let address = word.hasPrefix("tcp://") ? word.dropFirst(6) : word
                if let colon = address.lastIndex(of: ":"),
                    UInt16(address[address.index(after: colon)...]) != nil
                {
                    found[current] = String(address)
                }
                name = nil
            }
        }
        guard let control = found["control"], let deliver = found["deliver"] else { return nil }
        self.control = control
        self.deliver = deliver
        collect = found["collect"]
        stream = found["stream"]
    }
}
