import SkeinPlatform

/// The `skein` program.
@main struct Main {
    static func main() {
        Interrupt.ignoreBrokenPipes()
        exit(Tool.run(Array(CommandLine.arguments.dropFirst()), Console.system()))
    }
}
