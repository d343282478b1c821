import SkeinPlatform

/// One stored file of events.
public struct ArchiveFile: Hashable, Sendable {
    /// How the events of a type and day are stored. In the order in which they are read: what was zipped is older.
    public enum Form: Int, Hashable, Sendable, Comparable {
        /// `<type>-<day>.bson.zst`
        case zipped
        /// `<type>-<day>.log`, an old Ziggy daemon's
        case ziggy
        /// `<type>-<day>.bson`
        case plain

        public static func < (left: Form, right: Form) -> Bool { left.rawValue < right.rawValue }

        var ending: String {
            switch self {
            case .zipped: ".bson.zst"
            case .ziggy: ".log"
            case .plain: ".bson"
            }
        }
    }

    /// The folder of the day.
    public var folder: String
    /// The file's name in its folder.
    public var name: String
    /// What stands for the type in the name. The document says which type an event has.
    public var stem: String
    /// The day in the name.
    public var day: ArchiveDay
    /// How its events are stored, as its ending says.
    public var form: Form

    /// Reads a file's name; nil if it is not one of the archive's.
    public init?(folder: String, name: String) {
        guard let form = [Form.zipped, .ziggy, .plain].first(where: { name.utf8.hasSuffix($0.ending) })
        else { return nil }
        let base = name.utf8.dropLast(form.ending.utf8.count)
        guard base.count > 9, base.first != UInt8(ascii: "."),
            base.dropLast(8).last == UInt8(ascii: "-"),
            let day = ArchiveDay(String(Substring(base.suffix(8)))),
            let stem = String(Substring(base.dropLast(9)).utf8)
        else { return nil }
        self.folder = folder
        self.name = name
        self.stem = stem
        self.day = day
        self.form = form
    }

    /// Folder and name.
    public var path: String { ArchivePath.join(folder, name) }

    /// How long the file is; nil if it cannot be known.
    public var bytes: Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// The path of the zipped file of the same type and day.
    public var zippedPath: String {
        ArchivePath.join(folder, stem + "-" + day.description + Form.zipped.ending)
    }

    /// Opens the file for reading.
    ///
    /// Of a file that was being zipped when the power went, what the zipped file beside it holds already is left out;
    /// a file that was zipped since it was listed is read there.
    public func open() throws(ArchiveError) -> DocumentReader {
        do throws(ArchiveError) {
            let zipped = form == .zipped ? 0 : try ZipMark.coveredBytes(of: path, by: zippedPath)
            return try DocumentReader(path: path, offset: zipped)
        } catch {
            guard form != .zipped, error.isMissing else { throw error }
            return try DocumentReader(path: zippedPath)
        }
    }
}

extension String.UTF8View {
    func hasSuffix(_ suffix: String) -> Bool {
        self.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
}
