extension CollectorConfiguration {
    /// Checks what no single value shows: names that refer to each other, and ports that strangers could reach.
    /// - Parameters:
    ///   - places: where the values were set.
    ///   - filters: what compiles the text behind `match:`.
    ///   - processors: words of kinds that the program around the collector adds.
    /// - Throws: the first mistake.
    func check(
        places: ConfigurationDraft, filters: EventFilterCompiler?, processors: Set<String>
    ) throws(ConfigurationMistake) {
        guard !dataPath.isEmpty else { throw ConfigurationMistake(places.place("data"), "no folder") }
        guard journal.budgetBytes >= 4 * journal.segmentBytes else {
            throw ConfigurationMistake(
                places.place("journal-budget"),
                "\(ByteSize.print(journal.budgetBytes)) is less than four segments of \(ByteSize.print(journal.segmentBytes))"
            )
        }
        for (index, folder) in spools.enumerated() where spools[..<index].contains(folder) {
            throw ConfigurationMistake(places.place("spool"), "\(folder) is given twice")
        }
        try checkOutlets(places, processors)
        try checkRules(filters)
        try checkSecurity(places)
    }

    private func checkOutlets(
        _ places: ConfigurationDraft, _ processors: Set<String>
    ) throws(ConfigurationMistake) {
        var names: Set<String> = []
        var paths: [String: String] = [:]
        var stream: String?
        for outlet in outlets {
            let place = places.outlets.last { $0.name == outlet.name }?.place ?? .property("outlets")
            guard OutletConfiguration.isUsable(name: outlet.name) else {
                throw ConfigurationMistake(
                    place,
                    "\"\(outlet.name)\" is no name for an outlet; expected \(OutletConfiguration.acceptedName)"
                )
            }
            guard names.insert(outlet.name).inserted else {
                throw ConfigurationMistake(place, "two outlets are called \(outlet.name)")
            }
            switch outlet.kind {
            case .files(let files):
                guard !files.path.isEmpty else {
                    throw ConfigurationMistake(place, "\(outlet.name) has no path")
                }
                if let other = paths.updateValue(outlet.name, forKey: files.path) {
                    throw ConfigurationMistake(
                        place, "\(outlet.name) and \(other) would write to \(files.path)")
                }
            case .stream:
                if let stream {
                    throw ConfigurationMistake(
                        place, "\(outlet.name) is a second stream beside \(stream); expected one")
                }
                stream = outlet.name
            case .forward(let forward):
                do {
                    _ = try ForwardEndpoint.check(forward.endpoint)
                } catch {
                    throw ConfigurationMistake(place, error.message)
                }
                if let key = forward.key {
                    guard curveKeyFile != nil else {
                        throw ConfigurationMistake(
                            place,
                            "\(outlet.name) has a key, and this collector has none; expected curve-key: FILE and curve-clients: FILE"
                        )
                    }
                    _ = try CurveSettings.publicKey(key, place)
                }
            case .exec(let exec):
                try check(exec, outlet.name, place)
            case .library(let library):
                try check(library, outlet.name, place)
            case .processor(let processor):
                guard processors.contains(processor.kind) else {
                    throw ConfigurationMistake(
                        place,
                        "\(outlet.name): no processors of the kind \"\(processor.kind)\" are registered; expected "
                            + (processors.isEmpty
                                ? "Collector(…, processors:)" : processors.sorted().joined(separator: ", ")))
                }
            }
        }
    }

    private func checkSecurity(_ places: ConfigurationDraft) throws(ConfigurationMistake) {
        if curveClientsFile != nil && curveKeyFile == nil {
            throw ConfigurationMistake(
                places.place("curve-clients"),
                "needs the collector's own key; expected curve-key: FILE beside it")
        }
        if curveKeyFile != nil && curveClientsFile == nil {
            throw ConfigurationMistake(
                places.place("curve-key"), "lets nobody in by itself; expected curve-clients: FILE beside it")
        }
        guard curveKeyFile == nil else { return }
        var open: [(Port, ListenAddress, String)] = [(.control, control, "control")]
        open += collect.map { (.collect, $0, "collect") }
        if let deliver { open.append((.deliver, deliver, "deliver")) }
        if outlets.contains(where: { $0.kind == .stream }) {
            open.append((.stream, streamAddress, stream == nil ? "control" : "stream"))
        }
        for (port, address, setting) in open where !address.isLoopback && !insecure.contains(port) {
            let what = port == .stream && stream == nil ? "the stream on \(address.host)" : "\(address)"
            throw ConfigurationMistake(
                places.place(setting),
                "other machines can reach \(what): set curve-key and curve-clients, or insecure: \(port.rawValue) to serve anybody"
            )
        }
    }
}
