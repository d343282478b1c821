import SkeinPlatform
import SkeinZeroMQ

/// The keys with which the ports are served.
struct CurveSettings: Sendable {
    /// The collector's own pair.
    var keys: CurveKeyPair
    /// Who may connect: public key and the name behind it in the file.
    var clients: [(key: CurveKey, name: String)]

    /// Who may connect: the clients, and this collector itself where it delivers what it found in spools.
    func allowed(_ configuration: CollectorConfiguration) -> [CurveKey] {
        clients.map(\.key) + (configuration.spools.isEmpty ? [] : [keys.publicKey])
    }

    /// Reads the files that a configuration names; nil if it names none.
    static func load(
        _ configuration: CollectorConfiguration, places: ConfigurationDraft
    ) throws(ConfigurationMistake) -> CurveSettings? {
        guard let keyFile = configuration.curveKeyFile, let clientsFile = configuration.curveClientsFile
        else {
            return nil
        }
        let keyPlace = places.place("curve-key")
        guard ZMQContext.supportsCurve else {
            throw ConfigurationMistake(keyPlace, "this machine's libzmq was built without CURVE")
        }
        let lines = try lines(of: keyFile, keyPlace)
        guard lines.count == 1, let secret = CurveKey(z85: lines[0].key) else {
            throw ConfigurationMistake(
                keyPlace,
                "\(keyFile) is no secret key; expected one line of 40 characters of Z85, as skein keygen writes"
            )
        }
        let keys: CurveKeyPair
        do {
            keys = try CurveKeyPair(secretKey: secret)
        } catch {
            throw ConfigurationMistake(keyPlace, "\(keyFile): \(error)")
        }
        let clientsPlace = places.place("curve-clients")
        var clients: [(key: CurveKey, name: String)] = []
        for line in try Self.lines(of: clientsFile, clientsPlace) {
            guard let key = CurveKey(z85: line.key) else {
                throw ConfigurationMistake(
                    .file(clientsFile, line: line.number, column: 1),
                    "no public key; expected 40 characters of Z85, then a name if you like")
            }
            clients.append((key, line.name))
        }
        return CurveSettings(keys: keys, clients: clients)
    }

    /// Another collector's public key: as it is, or in a file.
    static func publicKey(
        _ text: String, _ place: ConfigurationMistake.Place
    ) throws(ConfigurationMistake) -> CurveKey {
        if let key = CurveKey(z85: text) { return key }
        let lines = try lines(of: text, place)
        guard lines.count == 1, let key = CurveKey(z85: lines[0].key) else {
            throw ConfigurationMistake(
                place, "\(text) holds no public key; expected one line of 40 characters of Z85")
        }
        return key
    }

    /// The lines that are neither empty nor a comment: `#` and a space, which no key begins with.
    private static func lines(
        of path: String, _ place: ConfigurationMistake.Place
    ) throws(ConfigurationMistake) -> [(number: Int, key: String, name: String)] {
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, maximumBytes: 1 << 20)
        } catch {
            throw ConfigurationMistake(place, "cannot read \(path): \(error)")
        }
        var lines: [(number: Int, key: String, name: String)] = []
        let text = String(decoding: bytes, as: UTF8.self)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(maxSplits: 1) { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard let key = words.first, key != "#" else { continue }
            let name = words.count > 1 ? String(words[1].drop { $0 == " " || $0 == "\t" }) : ""
            lines.append((index + 1, String(key), name))
        }
        return lines
    }
}
