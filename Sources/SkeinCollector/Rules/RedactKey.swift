import SkeinCrypto
import SkeinPlatform

/// The secret with which values are hashed.
enum RedactKey {
    static let bytes = 16...4096

    /// Reads the file that a configuration names; nil if it names none.
    static func load(
        _ configuration: CollectorConfiguration, places: ConfigurationDraft
    ) throws(ConfigurationMistake) -> KeyedHash? {
        guard let path = configuration.redactKeyFile else { return nil }
        let place = places.place("redact-key")
        var key: [UInt8]
        do {
            key = try BoundedFile.read(path, maximumBytes: Self.bytes.upperBound + 1)
        } catch {
            throw ConfigurationMistake(place, "cannot read \(path): \(error)")
        }
        // What an editor puts behind the last line is no part of it.
        while let last = key.last, last == 10 || last == 13 { key.removeLast() }
        guard Self.bytes.contains(key.count) else {
            throw ConfigurationMistake(
                place,
                "\(path) has \(key.count) bytes; expected a secret of \(bytes.lowerBound) to \(bytes.upperBound), as openssl rand -hex 32 makes"
            )
        }
        return KeyedHash(key: key)
    }
}
