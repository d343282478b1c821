import SkeinBSON
import SkeinPlatform

/// The ids of collectors that deliver to this one, in `<dataPath>/upstream`, so that a loop is found after a restart, too,
/// before those in it have greeted again: `{v: 1, ids: {<id>: <last heard of, Unix ns>}}`.
///
/// Who was not heard of for a day before the start is forgotten: a tree may be turned round.
struct UpstreamFile {
    private static let retention: Int64 = 86_400_000_000_000
    private static let maximumIDs = 63

    let path: String

    /// The ids that were heard of within a day, and when.
    func read(_ now: Int64) -> [String: Int64] {
        guard let bytes = try? BoundedFile.read(path, maximumBytes: 64 << 10),
            let document = try? BSONDocument(validating: bytes), document["v"]?.intValue == 1
        else { return [:] }
        var known: [String: Int64] = [:]
        for (id, value) in document["ids"]?.documentValue ?? [:] where known.count < Self.maximumIDs {
            guard let time = value.intValue, now - time < Self.retention else { continue }
            known[id] = time
        }
        return known
    }

    /// Replaces what is there. It is an account of others, so a power cut may take it.
    func write(_ ids: [String: Int64]) -> SystemError? {
        var known = BSONDocument()
        for (id, time) in ids.prefix(Self.maximumIDs) { known.append(id, .int64(time)) }
        let bytes = (["v": 1, "ids": .document(known)] as BSONDocument).bytes
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return .current }
        let count = bytes.withUnsafeBytes { SkeinPlatform.write(descriptor, $0.baseAddress, $0.count) }
        let failure = count == bytes.count ? nil : SystemError(code: count < 0 ? errno : ENOSPC)
        _ = close(descriptor)
        guard failure == nil, rename(temporary, path) == 0 else { return failure ?? .current }
        return nil
    }
}
