import SkeinPlatform

/// What one run of the app is told.
struct AppOptions {
    var endpoint: String
    var spool: String
    /// Number of this run: no two of a campaign have the same.
    var run: UInt64
    /// The file that it reports in.
    var reports: String
    var seed: UInt64
    /// Events a second; 0: none, it only ships what the spool holds.
    var rate: Int

    init(_ arguments: [String]) throws {
        let names = ["endpoint", "spool", "run", "reports", "seed", "rate"]
        let line = try CommandLineOptions(arguments, options: names.map { .init($0) })
        func text(_ name: String) throws -> String {
            guard let value = line.last(name) else { throw FaultsError("app: --\(name) is missing") }
            return value
        }
        func number(_ name: String) throws -> UInt64 {
            guard let value = UInt64(try text(name)) else { throw FaultsError("app: --\(name) is no number") }
            return value
        }
        endpoint = try text("endpoint")
        spool = try text("spool")
        run = try number("run")
        reports = try text("reports")
        seed = try number("seed")
        rate = Int(try number("rate"))
    }
}
