/// Bytes in a file of events that are no document: where, how many, and why they were passed over.
public struct ArchiveDamage: Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the bytes.
    public enum Kind: Hashable, Sendable {
        /// The file ends inside a document: a writer that was killed, or that is still writing.
        case tornTail
        /// Bytes that are no document; reading went on behind them.
        case garbage
        /// A document with a whole frame that is malformed inside; reading went on behind it.
        case malformed
        /// Compressed bytes that zstd could not read, with what it said.
        case compression(String)
    }

    /// What is wrong with the bytes.
    public var kind: Kind
    /// The file, or what stands for it (`standard input`).
    public var file: String
    /// Where the bytes begin; in a zipped file counted in its unzipped content.
    public var offset: Int
    /// How many bytes were passed over.
    public var count: Int

    /// Damage by its parts.
    public init(_ kind: Kind, file: String, offset: Int, count: Int) {
        self.kind = kind
        self.file = file
        self.offset = offset
        self.count = count
    }

    public var description: String {
        switch kind {
        case .tornTail:
            "\(file): torn at offset \(offset): its last document is cut off (\(count) bytes left)"
        case .garbage: "\(file): \(count) bytes at offset \(offset) are no BSON document, skipped"
        case .malformed: "\(file): malformed document of \(count) bytes at offset \(offset), skipped"
        case .compression(let reason):
            "\(file): cannot unzip at offset \(offset), \(count) bytes skipped: \(reason)"
        }
    }
}
