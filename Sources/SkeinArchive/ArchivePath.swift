/// How the archive names its folders and files.
///
/// ```
/// <log-path>/<YYYYMMDD>/<type>-<YYYYMMDD>.bson        concatenated BSON documents, appended
/// <log-path>/<YYYYMMDD>/<type>-<YYYYMMDD>.bson.zst    the same, zipped; events that came later are in a .bson beside it
/// <log-path>/<YYYYMMDD>/<type>-<YYYYMMDD>.log         as an old Ziggy daemon names it
/// <log-path>/<YYYYMMDD>/_other-<YYYYMMDD>.bson        types beyond the number of files allowed a day
/// <log-path>/<YYYYMMDD>/.lock                         flock(2)'d by whoever writes, zips or prunes the day
/// ```
///
/// A file's name only narrows a search: which type an event has is what its document says.
public enum ArchivePath {
    /// The stem of the file that takes the events of all types for which a day has no file left.
    public static let otherStem = "_other"

    /// The name of a day folder's lock file.
    public static let lockName = ".lock"

    /// The longest stem in bytes. With day, endings and the prefix of a temporary file the name stays within the
    /// 255 bytes that file systems allow; and every type that a collector takes (up to 200 bytes) fits unshortened.
    public static let maximumStemBytes = 200

    /// The folder of a day: `<logPath>/<YYYYMMDD>`.
    public static func folder(logPath: String, day: ArchiveDay) -> String {
        join(logPath, day.description)
    }

    /// The name of the file for a type and day: `request.sql-20261120.bson`.
    ///
    /// Total: any text gives a name that stays in its folder. A type that is too long, or that could not stand in
    /// a file name (empty, `/`, control characters, a leading dot), gets a stem that ends in `~` and the type's
    /// hash. Costs one allocation for a usual type; meant for when a file is opened, not for every event.
    public static func fileName(type: String, day: ArchiveDay) -> String {
        stem(type: type) + "-" + day.description + ".bson"
    }

    /// The name of the file for what has no file of its own: `_other-20261120.bson`.
    public static func otherFileName(day: ArchiveDay) -> String {
        otherStem + "-" + day.description + ".bson"
    }

    /// The part of the file name that stands for the type; see ``fileName(type:day:)``.
    public static func stem(type: String) -> String {
        let bytes = type.utf8
        let isPlain =
            bytes.count <= maximumStemBytes && bytes.first.map { $0 != UInt8(ascii: ".") } ?? false
            && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
        if isPlain { return type }

        let kept = maximumStemBytes - hashSuffixBytes
        var result = String.UnicodeScalarView()
        var count = 0
        for scalar in type.unicodeScalars {
            count += UTF8.width(scalar)
            if count > kept { break }
            let isRefused = scalar.value < 0x20 || scalar.value == 0x7F || scalar == "/"
            result.append(isRefused || (scalar == "." && result.isEmpty) ? "_" : scalar)
        }
        return String(result) + "~" + hexadecimal(fnv1a64(bytes))
    }

    /// `folder` and `name` with one slash between.
    public static func join(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
    }

    /// `~` and 16 hex digits.
    static let hashSuffixBytes = 17

    /// FNV-1a, 64 bits (offset basis 0xcbf29ce484222325, prime 0x100000001b3).
    private static func fnv1a64(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
