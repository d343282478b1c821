import SkeinPlatform

/// `SkeinFaults`: kills what carries events, and counts what arrives. `make faults` runs it.
@main
struct Main {
    // Not async: signals have to be blocked on the main thread, before there is any other.
    static func main() {
        let signals = Signals()
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            let isFaultless = try run(arguments, signals)
            exit(isFaultless ? 0 : 1)
        } catch let error as CommandLineOptions.Mistake {
            StandardError.writeLine("SkeinFaults: \(error); SkeinFaults --help lists what there is")
            exit(2)
        } catch {
            StandardError.writeLine("SkeinFaults: \(error)")
            exit(2)
        }
    }

    private static func run(_ arguments: [String], _ signals: Signals) throws -> Bool {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case "kills":
            let options = try KillOptions(rest)
            return try KillRun(options, signals).run()
        case "backlog":
            return try BacklogRun(BacklogOptions(rest), signals).run()
        case "host":
            try HostProgram(rest).run()
            return true
        case "app":
            try AppProgram(AppOptions(rest), signals).run()
            return true
        case "help", "--help", "-h", nil:
            print(help)
            return true
        case .some(let other):
            throw FaultsError("no command \"\(other)\"; SkeinFaults --help lists what there is")
        }
    }

    private static let help = """
        usage: SkeinFaults kills [--kills N] [--seed N] [--limit SECONDS] [--pace MS] [--rate N]
                                 [--skeind PATH] [--folder PATH] [--keep] [--verbose]
               SkeinFaults backlog [--megabytes N] [--skeind PATH] [--folder PATH]

        kills: app, local collector and master run as processes of their own; each is killed (SIGKILL) again and again at
        random instants under load. Then every event that the app had reported as closed must stand exactly once in
        the files of both collectors, what was open must stand there once, and every ledger must balance.

          --kills N        how many (1000)
          --seed N         of everything random; printed, and drawn if not given
          --limit SECONDS  gives up after this time (1500)
          --pace MS        mean time between kills (250)
          --rate N         events a second of each app (6000)
          --skeind PATH    the collector (beside this program)
          --folder PATH    where the run keeps its files (a temporary folder)
          --keep           keeps them, also if all went well
          --verbose        tells each kill

        backlog: so much (2048) piles up in a collector while its master is away; then it is killed and started again. It
        must take at most 1.2 times the memory that it took before, and every event must arrive once.

        Exit code 0: nothing lost, nothing twice. 1: something was; the folder is kept and named. 2: it could not run.
        """
}

/// Something that keeps this program from doing its work.
struct FaultsError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
