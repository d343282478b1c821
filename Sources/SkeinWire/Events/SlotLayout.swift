/// Where the parts of an open context stand in its 4 KiB slot (`Docs/Journal.md`, Slots).
///
/// A context that does not fit its slot goes on in heap memory of the same layout, with more room for fields.
public enum SlotLayout {
    public static let size = 4_096
    public static let state = 0
    public static let committed = 4
    public static let stampNumber = 8
    public static let stampShard = 16
    public static let pid = 20
    public static let stampOpening = 24
    public static let start = 32
    public static let rate = 40
    public static let traceID = 48
    public static let span = 64
    public static let parentSpan = 72
    public static let typeLength = 80
    public static let idLength = 82
    public static let flags = 84
    public static let type = 88
    public static let givenID = 288
    public static let fields = 512

    public static let stateFree: UInt32 = 0
    public static let stateOpen: UInt32 = 1
    public static let stateClosing: UInt32 = 2
}
