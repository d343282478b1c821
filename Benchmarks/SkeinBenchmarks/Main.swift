import Skein
import SkeinPlatform

@main
struct Main {
    static func main() throws {
        let rows: [(String, (Int) -> Void)] = [
            ("libbson", HotPath.libbson), ("recorded", HotPath.recorded),
            ("current", HotPath.recordedThroughCurrent), ("empty", HotPath.empty), ("child", HotPath.child),
            ("sampled-out", HotPath.sampledOut),
        ]
        if CommandLine.arguments.count > 2, let count = Int(CommandLine.arguments[2]) {
            if CommandLine.arguments.count == 3 { try EventSystem.bootstrap(.init(endpoint: "tcp://127.0.0.1:1", service: "checkout")) }
            rows.first { $0.0 == CommandLine.arguments[1] }?.1(count)
            return
        }
        let measurement = Measurement()
        let off = measurement.nanoseconds([Candidate(name: "not configured", run: HotPath.recorded)])[0]
        print("not configured \(off) ns")
        try EventSystem.bootstrap(.init(endpoint: "file:///dev/null", service: "checkout"))
        let figures = measurement.nanoseconds(rows.map { Candidate(name: $0.0, run: $0.1) })
        for (row, figure) in zip(rows, figures) {
            print("\(row.0): \((figure * 10).rounded() / 10) ns, \((figure / figures[0] * 1000).rounded() / 1000) of libbson")
        }
        print(EventSystem.statistics.map { "\($0)" } ?? "")
    }
}
