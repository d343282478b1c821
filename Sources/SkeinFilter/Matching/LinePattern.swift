/// A regular expression that takes lines apart by its named groups, under the limits of all of this module's: any pattern ends on any
/// text. Any thread.
package struct LinePattern: Sendable {
    /// What came of a line.
    package enum Outcome: Sendable {
        case match, noMatch
        /// A limit was reached: too long a text, or too many steps.
        case overrun
    }

    private let expression: RegularExpression
    private let groups: [(name: String, number: Int)]

    /// The names of its groups, in their order.
    package var names: [String] { groups.map(\.name) }

    /// - Throws: what is wrong with the pattern, as a sentence with the place.
    package init(_ pattern: String) throws(Failure) {
        do throws(BadRegularExpression) {
            expression = try RegularExpression(Array(pattern.utf8), captures: true)
        } catch {
            throw Failure(message: "\(error.message) (at byte \(error.offset + 1))")
        }
        groups = expression.namedGroups.sorted { $0.number < $1.number }
    }

    /// Why a pattern is none.
    package struct Failure: Error {
        package let message: String
    }

    /// Takes a line apart.
    /// - Parameter body: called for each group that took part, with its index in ``names`` and its text.
    package func match(
        _ line: UnsafeRawBufferPointer, _ body: (Int, UnsafeRawBufferPointer) -> Void
    ) -> Outcome {
        let outcome = expression.match(line) { places in
            for (index, group) in groups.enumerated() where group.number * 2 + 1 < places.count {
                let (start, end) = (places[group.number * 2], places[group.number * 2 + 1])
                guard start >= 0, start <= end, end <= line.count else { continue }
                body(index, UnsafeRawBufferPointer(rebasing: line[start..<end]))
            }
        }
        switch outcome {
        case .match: return .match
        case .noMatch: return .noMatch
        case .overrun: return .overrun
        }
    }
}
