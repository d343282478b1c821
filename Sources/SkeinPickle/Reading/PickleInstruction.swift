/// The instructions of the pickle machine (Python's `pickletools.py` describes each).
enum PickleInstruction: UInt8 {
    // Protocol 0.
    case mark = 0x28  // (
    case stop = 0x2E  // .
    case pop = 0x30  // 0
    case popMark = 0x31  // 1
    case duplicate = 0x32  // 2
    case float = 0x46  // F
    case int = 0x49  // I
    case long = 0x4C  // L
    case none = 0x4E  // N
    case persistentID = 0x50  // P
    case reduce = 0x52  // R
    case string = 0x53  // S
    case unicode = 0x56  // V
    case append = 0x61  // a
    case build = 0x62  // b
    case global = 0x63  // c
    case dict = 0x64  // d
    case get = 0x67  // g
    case instance = 0x69  // i
    case list = 0x6C  // l
    case object = 0x6F  // o
    case put = 0x70  // p
    case setItem = 0x73  // s
    case tuple = 0x74  // t

    // Protocol 1.
    case binaryInt = 0x4A  // J
    case binaryInt1 = 0x4B  // K
    case binaryInt2 = 0x4D  // M
    case binaryPersistentID = 0x51  // Q
    case binaryString = 0x54  // T
    case shortBinaryString = 0x55  // U
    case binaryUnicode = 0x58  // X
    case appends = 0x65  // e
    case binaryFloat = 0x47  // G
    case binaryGet = 0x68  // h
    case longBinaryGet = 0x6A  // j
    case binaryPut = 0x71  // q
    case longBinaryPut = 0x72  // r
    case setItems = 0x75  // u
    case emptyTuple = 0x29  // )
    case emptyList = 0x5D  // ]
    case emptyDict = 0x7D  // }

    // Protocol 2.
    case proto = 0x80
    case newObject = 0x81
    case extension1 = 0x82
    case extension2 = 0x83
    case extension4 = 0x84
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long1 = 0x8A
    case long4 = 0x8B

    // Protocol 3.
    case binaryBytes = 0x42  // B
    case shortBinaryBytes = 0x43  // C

    // Protocol 4.
    case shortBinaryUnicode = 0x8C
    case binaryUnicode8 = 0x8D
    case binaryBytes8 = 0x8E
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91
    case newObjectWithKeywords = 0x92
    case stackGlobal = 0x93
    case memoize = 0x94
    case frame = 0x95

    // Protocol 5.
    case byteArray8 = 0x96
    case nextBuffer = 0x97
    case readOnlyBuffer = 0x98
}
