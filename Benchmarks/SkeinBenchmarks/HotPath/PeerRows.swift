import SkeinPlatform

/// Other libraries that record an event of the same kind, where they are installed.
enum PeerRows {
    private static let peers = [
        ("lttng", "LTTng-UST, one tracepoint"), ("spdlog", "spdlog, one line to a file sink"),
        ("opentelemetry", "OpenTelemetry for Python, one span"),
    ]

    static func rows(_ measurement: Measurement) -> [Row] {
        let ours = measurement.nanoseconds([Loops.recorded])[0]
        return peers.map { key, name in
            let lines = try? ProgramOutput.lines(
                at: python, ["Benchmarks/Peers/peer.py", key, "1000000"])
            return Row(
                name: "recorded, beside other libraries", ours: ours,
                peer: (name, lines?.first.flatMap(Double.init)))
        }
    }

    /// The one with the packages that a peer needs, if `make bench` has made it.
    private static var python: String {
        let own = ".venv-bench/bin/python"
        return access(own, X_OK) == 0 ? own : "/usr/bin/python3"
    }
}
