/// A table of plain text, its columns as wide as they need to be.
struct TextTable {
    var columns: [String]
    /// Columns of numbers.
    var rightAligned: Set<Int> = []
    var rows: [[String]] = []

    /// The lines, the heads first, each indented.
    func lines(indent: String = "  ") -> [String] {
        var widths = columns.map(\.count)
        for row in rows {
            for (index, cell) in row.enumerated() where index < widths.count {
                widths[index] = max(widths[index], cell.count)
            }
        }
        return ([columns] + rows).map { row in
            let cells = row.enumerated().map { index, cell in
                let blanks = String(repeating: " ", count: max(0, widths[index] - cell.count))
                return rightAligned.contains(index) ? blanks + cell : cell + blanks
            }
            let line = indent + cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// Seconds for people.
enum Milliseconds {
    /// `12.3 ms`.
    static func text(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10_000).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
