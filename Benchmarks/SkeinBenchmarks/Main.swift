import Skein
import SkeinPlatform

@main
struct Main {
    static func main() async throws {
        let measurement = Measurement()
        let off = measurement.nanoseconds([Candidate(name: "not configured", run: HotPath.recorded)])[0]
        print("not configured \(off) ns")
        try EventSystem.bootstrap(.init(endpoint: "tcp://127.0.0.1:1", service: "checkout"))
        let names = ["libbson", "recorded", "through current", "empty", "child", "sampled out"]
        let figures = measurement.nanoseconds([
            Candidate(name: "libbson", run: HotPath.libbson),
            Candidate(name: "recorded", run: HotPath.recorded),
            Candidate(name: "through current", run: HotPath.recordedThroughCurrent),
            Candidate(name: "empty", run: HotPath.empty),
            Candidate(name: "child", run: HotPath.child),
            Candidate(name: "sampled out", run: HotPath.sampledOut),
        ])
        for (name, figure) in zip(names, figures) {
            print(
                "\(name): \((figure * 10).rounded() / 10) ns, \((figure / figures[0] * 1000).rounded() / 1000) of libbson"
            )
        }
        print(EventSystem.statistics.map { "\($0)" } ?? "")
    }
}
