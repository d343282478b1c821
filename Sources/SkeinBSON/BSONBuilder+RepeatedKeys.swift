extension BSONBuilder {
    /// Of each key that the innermost open document has several times, leaves the last value, in the place of the first: what a
    /// reader of JSON does that keeps a dictionary. Cost: a copy of that document.
    mutating func keepLastOfRepeatedKeys() {
        let start = open.last ?? 0
        var copy = Array(storage[start..<used])
        copy.append(0)
        let length = Int32(truncatingIfNeeded: copy.count)
        copy.withUnsafeMutableBytes { $0.storeBytes(of: length.littleEndian, as: Int32.self) }
        let kept = BSONDocument(unchecked: copy).withView { view -> [Range<Int>] in
            var places: [String: Int] = [:]
            var kept: [Range<Int>] = []
            var elements = view.makeElements()
            var offset = elements.offset
            while let element = elements.nextIfValid() {
                let range = offset..<elements.offset
                offset = elements.offset
                if let place = places[element.keyString] {
                    kept[place] = range
                } else {
                    places[element.keyString] = kept.count
                    kept.append(range)
                }
            }
            return kept
        }
        used = start + 4
        for range in kept {
            storage.replaceSubrange(used..<used + range.count, with: copy[range])
            used += range.count
        }
    }
}
