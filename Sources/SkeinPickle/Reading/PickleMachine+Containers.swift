/// Lists, tuples, sets and dictionaries, and what goes into them.
extension PickleMachine {
    mutating func container(_ instruction: PickleInstruction) throws(PickleError) {
        switch instruction {
        case .emptyList, .emptySet: try push(.list(newList()))
        case .emptyDict: try push(.dictionary(newList()))
        case .emptyTuple: try push(.tuple(start: 0, count: 0))
        case .list, .frozenSet:
            let items = try popToMark()
            try push(.list(filled(items)))
        case .dict:
            let items = try popToMark()
            guard items.count.isMultiple(of: 2) else { throw failure(.badStack, "a key without a value") }
            try push(.dictionary(filled(items)))
        case .tuple:
            let items = try popToMark()
            try push(tuple(items))
        case .tuple1: try push(tuple(popped(1)))
        case .tuple2: try push(tuple(popped(2)))
        case .tuple3: try push(tuple(popped(3)))
        case .append: try add(popped(1), pairs: false)
        case .appends, .addItems: try add(popToMark(), pairs: false)
        case .setItem: try add(popped(2), pairs: true)
        default: try add(popToMark(), pairs: true)
        }
    }

    /// The topmost values, in the order in which they were pushed.
    private mutating func popped(_ count: Int) throws(PickleError) -> [Int32] {
        var items: [Int32] = []
        for _ in 0..<count { items.append(try pop()) }
        items.reverse()
        return items
    }

    private mutating func filled(_ items: [Int32]) throws(PickleError) -> Int32 {
        try charge(items: items.count)
        let list = try newList()
        heap.lists[Int(list)] = items
        return list
    }

    func tupleItems(_ start: Int32, _ count: Int32) -> [Int32] {
        Array(heap.tuples[Int(start)..<Int(start) + Int(count)])
    }

    mutating func tuple(_ items: [Int32]) throws(PickleError) -> PickleNode {
        try charge(items: items.count)
        let start = Int32(truncatingIfNeeded: heap.tuples.count)
        heap.tuples.append(contentsOf: items)
        return .tuple(start: start, count: Int32(truncatingIfNeeded: items.count))
    }

    /// Adds values to the container on top of the stack. To an instance of an unknown class they are added in vain.
    private mutating func add(_ items: [Int32], pairs: Bool) throws(PickleError) {
        try charge(items: items.count)
        guard !pairs || items.count.isMultiple(of: 2) else {
            throw failure(.badStack, "a key without a value")
        }
        switch heap.nodes[Int(try top())] {
        case .list(let list) where !pairs: heap.lists[Int(list)].append(contentsOf: items)
        case .dictionary(let list) where pairs: heap.lists[Int(list)].append(contentsOf: items)
        case .unknown, .unbuilt: break
        default: throw failure(.badStack, pairs ? "items for what is no dict" : "items for what is no list")
        }
    }
}
