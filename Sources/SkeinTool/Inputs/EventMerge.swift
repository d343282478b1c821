import SkeinArchive
import SkeinWire

/// Several files as one sequence by the events' time. Each is nearly in order by itself, since events are stored as they
/// close, so a heap over their next events does.
struct EventMerge {
    private struct Head {
        let scanner: EventScanner
        var time: Double
        var start: Double
        let place: Int

        /// Earlier ends first; of equal ones the one that began later, since it lies inside the other.
        func isBefore(_ other: Head) -> Bool {
            if time != other.time { return time < other.time }
            if start != other.start { return start > other.start }
            return place < other.place
        }
    }

    private var heap: [Head] = []
    private var added = 0

    /// The scanner whose event is next.
    var first: EventScanner? { heap.first?.scanner }

    /// Adds a file, unless there is nothing in it.
    mutating func add(_ scanner: EventScanner) throws(ToolFailure) {
        guard try scanner.next() else { return scanner.reader.finish() }
        heap.append(head(scanner, place: added))
        added += 1
        var index = heap.count - 1
        while index > 0, heap[index].isBefore(heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Goes on to the next event.
    mutating func advance() throws(ToolFailure) {
        guard let old = heap.first else { return }
        if try old.scanner.next() {
            heap[0] = head(old.scanner, place: old.place)
        } else {
            old.scanner.reader.finish()
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }

    private func head(_ scanner: EventScanner, place: Int) -> Head {
        let time = scanner.envelope.time ?? scanner.fallback ?? -.infinity
        return Head(scanner: scanner, time: time, start: scanner.envelope.start ?? time, place: place)
    }
}
