import SkeinBSON

/// The functions and classes whose arguments are read as data. The raw value is the name that Python 3 has for it.
enum PickleConstructor: String, CaseIterable {
    case encode = "_codecs.encode"
    case reconstruct = "copyreg._reconstructor"
    case object = "builtins.object"
    case bytes = "builtins.bytes"
    case bytearray = "builtins.bytearray"
    case list = "builtins.list"
    case dict = "builtins.dict"
    case set = "builtins.set"
    case frozenset = "builtins.frozenset"
    case complex = "builtins.complex"
    case orderedDict = "collections.OrderedDict"
    case defaultdict = "collections.defaultdict"
    case counter = "collections.Counter"
    case deque = "collections.deque"
    case datetime = "datetime.datetime"
    case date = "datetime.date"
    case time = "datetime.time"
    case timedelta = "datetime.timedelta"
    case timezone = "datetime.timezone"
    case decimal = "decimal.Decimal"
    case uuid = "uuid.UUID"

    private static let byName: [String: PickleConstructor] = {
        var names: [String: PickleConstructor] = [:]
        for constructor in allCases {
            names[constructor.rawValue] = constructor
            // Python 2's names, which Python 3 writes, too, up to protocol 2.
            for (new, old) in [("builtins.", "__builtin__."), ("copyreg.", "copy_reg.")]
            where constructor.rawValue.hasPrefix(new) {
                names[old + constructor.rawValue.dropFirst(new.count)] = constructor
            }
        }
        // Where Python 2 and the implementation in C have it.
        names["collections.abc.OrderedDict"] = .orderedDict
        names["_collections.deque"] = .deque
        names["_collections.OrderedDict"] = .orderedDict
        names["_decimal.Decimal"] = .decimal
        names["_datetime.datetime"] = .datetime
        return names
    }()

    /// - Parameter name: `module.Name`.
    init?(name: String) {
        guard let known = Self.byName[name] else { return nil }
        self = known
    }
}

extension PickleMachine {
    /// What a call makes, read off its arguments.
    /// - Returns: nil if the arguments are none that Python writes for it.
    mutating func construct(_ constructor: PickleConstructor, _ arguments: [Int32]) throws(PickleError)
        -> PickleNode?
    {
        switch constructor {
        case .encode: return try encodedText(arguments)
        case .bytes, .bytearray: return try byteString(arguments)
        case .reconstruct:
            // Protocols 0 and 1: an instance of its first argument.
            guard let first = arguments.first else { return nil }
            switch heap.nodes[Int(first)] {
            case .constructor(let known): return .unbuilt(known)
            case .unknown: return heap.nodes[Int(first)]
            default: return nil
            }
        case .uuid: return arguments.isEmpty ? .unbuilt(.uuid) : nil
        case .object: return nil
        case .list, .set, .frozenset: return try sequence(arguments.first)
        case .deque: return try sequence(arguments.first)
        case .dict, .counter, .orderedDict: return try mapping(arguments.first)
        case .defaultdict: return try mapping(nil)
        case .complex:
            guard arguments.count == 2, case .double(let real) = heap.nodes[Int(arguments[0])],
                case .double(let imaginary) = heap.nodes[Int(arguments[1])]
            else { return nil }
            return .complex(real, imaginary)
        case .decimal: return try decimal(arguments.first)
        case .timedelta: return timedelta(arguments)
        case .timezone:
            guard let first = arguments.first,
                case .timedelta(let seconds, let microseconds) = heap.nodes[Int(first)],
                abs(seconds) < 172_800
            else { return nil }
            return .zone(microseconds: seconds * 1_000_000 + Int64(microseconds))
        case .datetime: return try datetime(arguments)
        case .date: return try date(arguments)
        case .time: return try time(arguments)
        }
    }

    // MARK: Containers

    /// A list, tuple or set as what it is given to: shared, not copied.
    private mutating func sequence(_ argument: Int32?) throws(PickleError) -> PickleNode? {
        guard let argument else { return .list(try newList()) }
        switch heap.nodes[Int(argument)] {
        case .list(let list): return .list(list)
        case .tuple(let start, let count):
            try charge(items: Int(count))
            let list = try newList()
            heap.lists[Int(list)] = Array(heap.tuples[Int(start)..<Int(start) + Int(count)])
            return .list(list)
        default: return nil
        }
    }

    private mutating func mapping(_ argument: Int32?) throws(PickleError) -> PickleNode? {
        guard let argument else { return .dictionary(try newList()) }
        switch heap.nodes[Int(argument)] {
        case .dictionary(let list): return .dictionary(list)
        case .list(let pairs):
            // Python 2 writes an OrderedDict as a list of [key, value].
            let pairs = heap.lists[Int(pairs)]
            try charge(items: 2 * pairs.count)
            var flat: [Int32] = []
            for pair in pairs {
                guard let items = items(of: pair), items.count == 2 else { return nil }
                flat += items
            }
            let list = try newList()
            heap.lists[Int(list)] = flat
            return .dictionary(list)
        default: return nil
        }
    }

    /// The items of a short tuple or list.
    private func items(of index: Int32) -> [Int32]? {
        switch heap.nodes[Int(index)] {
        case .list(let list): heap.lists[Int(list)].count <= 8 ? heap.lists[Int(list)] : nil
        case .tuple(let start, let count):
            count <= 8 ? Array(heap.tuples[Int(start)..<Int(start) + Int(count)]) : nil
        default: nil
        }
    }

    // MARK: Bytes

    /// `_codecs.encode(text, "latin1")`, which is how Python 3 writes bytes up to protocol 2.
    private mutating func encodedText(_ arguments: [Int32]) throws(PickleError) -> PickleNode? {
        guard let first = arguments.first, case .text(let text) = heap.nodes[Int(first)] else { return nil }
        guard arguments.count > 1 else { return .bytes(text) }
        guard case .text(let name) = heap.nodes[Int(arguments[1])], name.count <= 16 else { return nil }
        switch heap.string(name).lowercased() {
        case "utf-8", "utf8": return .bytes(text)
        case "latin1", "latin-1", "iso-8859-1", "iso8859-1": break
        default: return nil
        }
        try charge(work: 2 * Int(text.count))
        var latin: [UInt8] = []
        latin.reserveCapacity(Int(text.count))
        let fits = heap.withBytes(text) { bytes in
            for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
                guard scalar.value < 256 else { return false }
                latin.append(UInt8(scalar.value))
            }
            return true
        }
        return fits ? .bytes(heap.keep(latin)) : nil
    }

    private mutating func byteString(_ arguments: [Int32]) throws(PickleError) -> PickleNode? {
        guard let first = arguments.first else {
            return .bytes(PickleBytes(start: 0, count: 0, isDecoded: false))
        }
        if arguments.count == 1, case .bytes(let bytes) = heap.nodes[Int(first)] { return .bytes(bytes) }
        // bytearray(text, "latin-1"): Python 2.
        return try encodedText(arguments)
    }

    // MARK: Numbers

    private mutating func decimal(_ argument: Int32?) throws(PickleError) -> PickleNode? {
        guard let argument, case .text(let text) = heap.nodes[Int(argument)], text.count <= 4_096 else {
            return nil
        }
        try charge(work: Int(text.count))
        return BSONDecimal128(heap.string(text)).map { .decimal($0) } ?? .text(text)
    }
}
