import SkeinPlatform
import SkeinSQLite

/// The distinct types, services, hosts and loggers' names that the store knows, with their keys in the table `word`.
/// One thread at a time: the writer's, or a reader's.
final class WordTable {
    /// More distinct words of a kind are not told apart: their events count as having none.
    static let most = 1_000_000

    private var interners = WordKind.allCases.map { _ in ByteInterner() }
    /// By kind and the interner's number.
    private var keys: [[UInt32]] = WordKind.allCases.map { _ in [] }
    private var nextKey: UInt32 = 1
    /// Those that the transaction under way added, so that a roll-back can take them back.
    private var isDirty = false

    /// Forgets everything and reads what is there.
    func load(_ connection: borrowing SQLiteConnection) throws(SQLiteError) {
        interners = WordKind.allCases.map { _ in ByteInterner() }
        keys = WordKind.allCases.map { _ in [] }
        nextKey = 1
        isDirty = false
        try loadMore(connection)
    }

    /// Reads what is new.
    func loadMore(_ connection: borrowing SQLiteConnection) throws(SQLiteError) {
        var statement = try connection.prepare(
            "SELECT key, kind, text FROM word WHERE key >= ?1 ORDER BY key")
        try statement.bind(integer: Int64(nextKey), at: 1)
        while try statement.step() {
            let key = UInt32(clamping: statement.integer(at: 0))
            nextKey = max(nextKey, key &+ 1)
            guard let kind = WordKind(rawValue: Int(statement.integer(at: 1))) else { continue }
            let index = kind.rawValue - 1
            let number = statement.withBytes(at: 2) { interners[index].intern($0) }
            if number == keys[index].count { keys[index].append(key) }
        }
    }

    /// The keys of the words of a kind that something holds for.
    func keys(_ kind: WordKind, where matches: (String) -> Bool) -> Set<UInt32> {
        let index = kind.rawValue - 1
        return Set(
            keys[index].indices.filter { matches(interners[index].string($0)) }.map { keys[index][$0] })
    }

    /// The keys of an event's words, 0 for those it has not, or that are not known.
    func known(_ event: EventColumns) -> (UInt32, UInt32, UInt32, UInt32) {
        func key(_ kind: WordKind, _ word: EventColumns.Word) -> UInt32 {
            guard word.bytes.baseAddress != nil else { return 0 }
            let number = interners[kind.rawValue - 1].find(word.bytes)
            return number >= 0 ? keys[kind.rawValue - 1][number] : 0
        }
        return (
            key(.type, event.words.type), key(.service, event.words.service), key(.host, event.words.host),
            key(.name, event.words.name)
        )
    }

    /// The key of a word, made if it is new; 0 for none.
    @inline(__always)
    func key(
        _ kind: WordKind, _ word: EventColumns.Word, _ connection: borrowing SQLiteConnection
    ) throws(SQLiteError) -> UInt32 {
        guard word.bytes.baseAddress != nil else { return 0 }
        let index = kind.rawValue - 1
        let number = interners[index].find(word.bytes)
        if number >= 0 { return keys[index][number] }
        return try add(kind, word.bytes, connection)
    }

    @inline(never)
    private func add(
        _ kind: WordKind, _ bytes: UnsafeRawBufferPointer, _ connection: borrowing SQLiteConnection
    ) throws(SQLiteError) -> UInt32 {
        let index = kind.rawValue - 1
        guard keys[index].count < Self.most else { return 0 }
        var statement = try connection.prepare("INSERT INTO word (key, kind, text) VALUES (?1, ?2, ?3)")
        let key = nextKey
        try statement.bind(integer: Int64(key), at: 1)
        try statement.bind(integer: Int64(kind.rawValue), at: 2)
        try statement.bind(bytes: bytes, at: 3)
        _ = try statement.step()
        isDirty = true
        nextKey += 1
        _ = interners[index].intern(bytes)
        keys[index].append(key)
        return key
    }

    func committed() { isDirty = false }

    /// After a roll-back: what was added is not there.
    func rolledBack(_ connection: borrowing SQLiteConnection) throws(SQLiteError) {
        if isDirty { try load(connection) }
    }
}
