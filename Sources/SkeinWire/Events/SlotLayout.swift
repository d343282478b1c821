/// Where the parts of an open context stand in its 4 KiB slot (`Docs/Journal.md`, Slots).
///
/// A context that does not fit its slot goes on in heap memory of the same layout, with more room for fields.
public enum SlotLayout {
    /// Bytes of a slot.
    public static let size = 4_096
    /// u32: ``stateFree``, ``stateOpen`` or ``stateClosing``.
    public static let state = 0
    /// u32: the committed length of the fields, in bytes.
    public static let committed = 4
    /// u64: the number that the record will have, while closing.
    public static let stampNumber = 8
    /// u32: the shard that the record goes to, while closing.
    public static let stampShard = 16
    /// i32: the process id.
    public static let pid = 20
    /// u64: the opening of the journal that numbers the record, while closing.
    public static let stampOpening = 24
    /// f64: when the context opened, in Unix seconds.
    public static let start = 32
    /// f64: the sampling rate, 1 if not sampled.
    public static let rate = 40
    /// 16 bytes: the trace id.
    public static let traceID = 48
    /// u64: the span id.
    public static let span = 64
    /// u64: the parent's span id, 0 at a root.
    public static let parentSpan = 72
    /// u16: bytes of the type.
    public static let typeLength = 80
    /// u16: bytes of the given id, 0 if the trace id is the id.
    public static let idLength = 82
    /// u32: bit 0 says that the context is held with its root.
    public static let flags = 84
    /// 200 bytes: the type, UTF-8.
    public static let type = 88
    /// 224 bytes: the given id, UTF-8.
    public static let givenID = 288
    /// From here to the slot's end: the fields, a field log.
    public static let fields = 512

    /// Nobody uses the slot.
    public static let stateFree: UInt32 = 0
    /// A context writes its fields here.
    public static let stateOpen: UInt32 = 1
    /// The record is stamped and being appended.
    public static let stateClosing: UInt32 = 2
}
