import SkeinBSON
import SkeinWire

/// The tree that a group of events makes, as rows from top to bottom.
///
/// Safe on any data: a parent that is missing gets a row that says so, one that is its own ancestor is cut
/// loose, depth and number cost no more than a walk.
struct EventTree {
    struct Row {
        /// Index into the events; nil for a parent that was not seen.
        var event: Int?
        /// 0 at a root.
        var depth: Int
        /// For each level from 1 to `depth`: whether the branch there goes on below this row.
        var continues: [Bool]
        /// The parent's row event, for labels relative to it.
        var parent: Int?
        var note: Note = .none
    }

    enum Note: Equatable {
        case none
        /// The row stands for a span, or type, that is not among the events.
        case notSeen(String)
        /// Its parents lead back to itself.
        case cycle
    }

    /// Deeper rows are shown at this depth.
    static let mostDepth = 24

    private(set) var rows: [Row] = []

    /// What the tree is made by, of one event.
    struct Node {
        var type: [UInt8]
        var span: [UInt8]
        var parent: [UInt8]
        var start: Double?
        var end: Double?

        init(_ event: Event) {
            let envelope = event.envelope
            type = Array(envelope.type.bytes(in: event.bytes))
            span = Array(envelope.span.bytes(in: event.bytes))
            parent = Array(envelope.parent.bytes(in: event.bytes))
            start = envelope.start ?? envelope.end
            end = envelope.end ?? envelope.start
        }
    }

    private enum Parent: Equatable {
        case none
        case event(Int)
        case unseen(Int)
    }

    init(_ nodes: [Node]) {
        var missing: [String] = []
        var parents = Self.link(nodes, missing: &missing)
        let cut = Self.cutCycles(&parents)

        // Children and roots, in the order in which they began.
        let order = nodes.indices.sorted { Self.isBefore($0, $1, nodes) }
        var children = [[Int]](repeating: [], count: nodes.count)
        var orphans = [[Int]](repeating: [], count: missing.count)
        var tops: [Top] = []
        var isListed = [Bool](repeating: false, count: missing.count)
        for index in order {
            switch parents[index] {
            case .none: tops.append(.event(index))
            case .event(let parent): children[parent].append(index)
            case .unseen(let place):
                if !isListed[place] {
                    isListed[place] = true
                    tops.append(.unseen(place))
                }
                orphans[place].append(index)
            }
        }
        lay(tops, children: children, orphans: orphans, missing: missing, cut: cut)
    }

    private enum Top {
        case event(Int)
        case unseen(Int)
    }

    // MARK: Who belongs to whom

    private static func link(_ nodes: [Node], missing: inout [String]) -> [Parent] {
        var bySpan: [[UInt8]: Int] = [:]
        var byType: [[UInt8]: [Int]] = [:]
        for index in nodes.indices {
            if !nodes[index].span.isEmpty, bySpan[nodes[index].span] == nil {
                bySpan[nodes[index].span] = index
            }
            byType[nodes[index].type, default: []].append(index)
        }
        for type in byType.keys { byType[type]?.sort { isBefore($0, $1, nodes) } }
        var places: [String: Int] = [:]
        func place(_ name: String) -> Int {
            if let known = places[name] { return known }
            missing.append(name)
            places[name] = missing.count - 1
            return missing.count - 1
        }
        return nodes.indices.map { index in
            let node = nodes[index]
            if !node.parent.isEmpty {
                if let parent = bySpan[node.parent] { return .event(parent) }
                return .unseen(place("span " + node.parent.withUnsafeBytes { SafeText.of($0) }))
            }
            // An old client's events have no spans: their types tell, and their times.
            guard node.span.isEmpty, let dot = node.type.lastIndex(of: UInt8(ascii: ".")) else {
                return .none
            }
            if let parent = inferred(index, nodes, byType) { return .event(parent) }
            return .unseen(place(node.type[..<dot].withUnsafeBytes { SafeText.of($0) }))
        }
    }

    /// The event of the nearest type above that was open when this one began; else any of that type.
    private static func inferred(_ index: Int, _ nodes: [Node], _ byType: [[UInt8]: [Int]]) -> Int? {
        var type = nodes[index].type[...]
        while let dot = type.lastIndex(of: UInt8(ascii: ".")) {
            type = type[..<dot]
            guard let candidates = byType[Array(type)] else { continue }
            guard let start = nodes[index].start else { return candidates.first }
            // The last that began before; a clock's step may put it a little later.
            var low = 0
            var high = candidates.count
            while low < high {
                let middle = (low + high) / 2
                if (nodes[candidates[middle]].start ?? -.infinity) <= start {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            let before = candidates[..<low].suffix(64)
            return before.last { (nodes[$0].end ?? .infinity) >= start } ?? before.last ?? candidates.first
        }
        return nil
    }

    /// Makes roots of events whose parents lead back to themselves: of each circle the first.
    private static func cutCycles(_ parents: inout [Parent]) -> Set<Int> {
        var cut: Set<Int> = []
        // 0 not visited, else the number of the walk that came by first.
        var visited = [Int](repeating: 0, count: parents.count)
        for start in parents.indices where visited[start] == 0 {
            var index = start
            while visited[index] == 0 {
                visited[index] = start + 1
                guard case .event(let parent) = parents[index] else { break }
                if visited[parent] == start + 1 {
                    // This walk has met its own steps: all events from `parent` on are the circle.
                    var first = parent
                    var step = parent
                    repeat {
                        first = min(first, step)
                        guard case .event(let next) = parents[step] else { break }
                        step = next
                    } while step != parent
                    parents[first] = .none
                    cut.insert(first)
                    break
                }
                index = parent
            }
        }
        return cut
    }

    private static func isBefore(_ left: Int, _ right: Int, _ nodes: [Node]) -> Bool {
        let (a, b) = (nodes[left], nodes[right])
        if let first = a.start, let second = b.start, first != second { return first < second }
        if (a.start == nil) != (b.start == nil) { return b.start == nil }
        if let first = a.end, let second = b.end, first != second { return first > second }
        return left < right
    }

    // MARK: Rows

    private mutating func lay(
        _ tops: [Top], children: [[Int]], orphans: [[Int]], missing: [String], cut: Set<Int>
    ) {
        rows.reserveCapacity(children.count + missing.count)
        // What is still to be laid, last first; recursion would end on a deep chain.
        var stack: [Row] = []
        func pushChildren(_ list: [Int], of row: Row) {
            let isDeep = row.depth >= Self.mostDepth
            for (place, child) in list.enumerated().reversed() {
                let isLast = place == list.count - 1
                var continues = row.continues
                if isDeep { continues[continues.count - 1] = !isLast } else { continues.append(!isLast) }
                stack.append(
                    Row(
                        event: child, depth: isDeep ? row.depth : row.depth + 1, continues: continues,
                        parent: row.event))
            }
        }
        for top in tops {
            switch top {
            case .event(let index):
                stack.append(
                    Row(event: index, depth: 0, continues: [], note: cut.contains(index) ? .cycle : .none))
            case .unseen(let place):
                let row = Row(event: nil, depth: 0, continues: [], note: .notSeen(missing[place]))
                rows.append(row)
                pushChildren(orphans[place], of: row)
            }
            while let row = stack.popLast() {
                rows.append(row)
                if let index = row.event { pushChildren(children[index], of: row) }
            }
        }
    }
}
