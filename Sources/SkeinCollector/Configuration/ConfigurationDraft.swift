/// A configuration while flags, variables and file are laid over each other. What several settings make together,
/// the outlets, is put together at the end.
struct ConfigurationDraft: Sendable {
    var settings = CollectorConfiguration()
    var hasFiles = true
    var hasStream = true
    /// nil: `files` below the data folder.
    var logPath: String?
    var forward: [String] = []
    /// What `outlets:` says, in its order.
    var outlets: [NamedOutlet] = []
    /// The files outlet's defaults; its path is filled in at the end.
    var files = OutletConfiguration.Files(path: "")
    /// Where each setting was set, by its name.
    var places: [String: ConfigurationMistake.Place] = [:]

    /// An entry of `outlets:`; without a configuration it turns an outlet off.
    struct NamedOutlet: Sendable {
        var name: String
        var make: (@Sendable (ConfigurationDraft) -> OutletConfiguration)?
        var place: ConfigurationMistake.Place
    }

    /// The place of a setting, or its bare name for a default.
    func place(_ name: String) -> ConfigurationMistake.Place {
        places[name] ?? .property(name)
    }

    /// The files outlet's settings with its path.
    var filesSettings: OutletConfiguration.Files {
        var files = files
        files.path = logPath ?? settings.dataPath + "/files"
        return files
    }

    /// Puts the outlets together.
    func finished() throws(ConfigurationMistake) -> CollectorConfiguration {
        var result = settings
        result.outlets = []
        if hasFiles {
            result.outlets.append(OutletConfiguration(name: "files", kind: .files(filesSettings)))
        }
        if hasStream { result.outlets.append(OutletConfiguration(name: "stream", kind: .stream)) }
        for endpoint in forward {
            let name = OutletConfiguration.name(forwardTo: endpoint)
            guard !result.outlets.contains(where: { $0.name == name }) else {
                throw ConfigurationMistake(place("forward"), "\(endpoint) is given twice")
            }
            result.outlets.append(
                OutletConfiguration(name: name, kind: .forward(.init(endpoint: endpoint))))
        }
        for entry in outlets {
            result.outlets.removeAll { $0.name == entry.name }
            if let make = entry.make { result.outlets.append(make(self)) }
        }
        return result
    }
}
