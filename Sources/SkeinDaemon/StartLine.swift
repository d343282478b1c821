import SkeinCollector

/// The one line that says that the daemon is ready, and where.
enum StartLine {
    static func text(_ ports: Collector.Ports, _ configuration: CollectorConfiguration) -> String {
        func place(_ address: ListenAddress, _ port: Int) -> String {
            "\(ListenAddress(host: address.host, port: UInt16(clamping: port)))"
        }
        var parts = ["control \(place(configuration.control, ports.control))"]
        for (address, port) in zip(configuration.collect, ports.collect) {
            parts.append("collect \(place(address, port))")
        }
        if let address = configuration.deliver, let port = ports.deliver {
            parts.append("deliver \(place(address, port))")
        }
        if let port = ports.stream { parts.append("stream \(place(configuration.streamAddress, port))") }
        for outlet in configuration.outlets {
            switch outlet.kind {
            case .files(let files): parts.append("files \(files.path)")
            case .forward(let forward): parts.append("forward \(forward.endpoint)")
            case .exec, .library, .processor: parts.append("processor \(outlet.name)")
            case .stream: break
            }
        }
        for folder in configuration.spools { parts.append("spool \(folder)") }
        return "skeind \(Collector.version) ready: \(parts.joined(separator: ", "))"
    }
}
