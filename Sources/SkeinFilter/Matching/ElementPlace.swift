/// Where a value stands in the bytes of an event.
struct ElementPlace {
    var kind: UInt8
    var start: Int32
    var end: Int32
}

/// The envelope of one event, looked at only as far as a filter asks: what was passed is remembered.
struct EnvelopeCursor {
    private var walk: ElementWalk
    private var found: UInt32 = 0
    private let places: UnsafeMutablePointer<ElementPlace>

    /// - Parameter places: room for ``EnvelopeKey/stored`` places.
    @inline(__always)
    init?(_ event: UnsafeRawBufferPointer, places: UnsafeMutablePointer<ElementPlace>) {
        guard let base = event.baseAddress, event.count <= Int(Int32.max),
            let walk = ElementWalk(base, at: 0, end: event.count)
        else { return nil }
        self.walk = walk
        self.places = places
    }

    var base: UnsafeRawPointer {
        @inline(__always) get { walk.base }
    }

    /// Whether the elements from here on end where the document does.
    @inline(__always)
    mutating func endsWhole() -> Bool {
        while walk.next() {}
        return !walk.isBroken
    }

    /// Where a key's value is; the first, should the key stand there twice.
    @inline(__always)
    mutating func place(_ key: EnvelopeKey) -> ElementPlace? {
        if found & 1 &<< UInt32(key.rawValue) != 0 { return places[Int(key.rawValue)] }
        return search(key)
    }

    @inline(__always)
    private mutating func search(_ key: EnvelopeKey) -> ElementPlace? {
        while walk.next() {
            guard let seen = EnvelopeKey(word: walk.word), found & 1 &<< UInt32(seen.rawValue) == 0 else {
                continue
            }
            let place = ElementPlace(
                kind: walk.kind, start: Int32(truncatingIfNeeded: walk.value),
                end: Int32(truncatingIfNeeded: walk.valueEnd))
            places[Int(seen.rawValue)] = place
            found |= 1 &<< UInt32(seen.rawValue)
            if seen == key { return place }
        }
        return nil
    }
}
