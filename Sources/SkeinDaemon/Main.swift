import SkeinCollector
import SkeinPlatform

@main
struct Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // A process of its own for a library that an outlet loads.
        if arguments.first == Daemon.hostFlag { exit(ProcessorHost.run(Array(arguments.dropFirst()))) }
        exit(Daemon.run(arguments))
    }
}
