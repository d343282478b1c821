import SkeinPlatform

/// A command line, taken apart: which verb, its arguments, what was said of the tool itself.
struct Invocation {
    var verb: String?
    /// Everything but the verb, options before it included.
    var arguments: [String]

    /// Finds the verb: the first argument that is no option and no value of `-H`, the one option that may stand
    /// before it.
    init(_ arguments: [String]) {
        self.arguments = arguments
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if argument == "--" { return }
            if argument == "-H" || (argument.hasPrefix("--ho") && "--host".hasPrefix(argument)) {
                index += 2
                continue
            }
            if !argument.hasPrefix("-") || argument == "-" {
                verb = argument
                self.arguments.remove(at: index)
                return
            }
            index += 1
        }
    }
}

extension CommandLineOptions.Option {
    static let host = Self("host", "H")
    static let help = Self("help", "h", takesValue: false)
    static let version = Self("version", "V", takesValue: false)
    static let logPath = Self("log-path", "l")
    static let typeName = Self("type-name", "n")
    static let id = Self("id")
    static let startDate = Self("start-date")
    static let endDate = Self("end-date")
}

extension CommandLineOptions {
    /// Reads a verb's options.
    static func read(
        _ verb: String, _ arguments: [String], _ options: [Option]
    ) throws(ToolFailure) -> CommandLineOptions {
        do throws(Mistake) {
            return try CommandLineOptions(arguments, options: options + [.help])
        } catch {
            throw .usage("\(SafeText.of(error.description)); see skein \(verb) --help")
        }
    }

    func has(_ option: Option) -> Bool { last(option.name) != nil }

    func value(_ option: Option) -> String? { last(option.name) }

    func values(_ option: Option) -> [String] { all(option.name) }
}
