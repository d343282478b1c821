internal import CSkeinPlatform
private import Synchronization

/// The options of a command line, read as GNU programs read them (`getopt_long`): `--name value`,
/// `--name=value`, `-n value`, `-nvalue`, unambiguous abbreviations, options and operands in any order, `--`.
///
/// Reading is a few microseconds; from several threads it takes turns, since getopt keeps global state.
public struct CommandLineOptions: Sendable {
    /// One option that a program has.
    public struct Option: Sendable {
        /// The long name, without dashes.
        public var name: String
        /// The letter of its short form, an ASCII letter or digit.
        public var letter: Character?
        /// Whether a value follows.
        public var takesValue: Bool

        /// An option with a value, unless told otherwise.
        public init(_ name: String, _ letter: Character? = nil, takesValue: Bool = true) {
            self.name = name
            self.letter = letter
            self.takesValue = takesValue
        }
    }

    /// What is wrong with a command line: one line that names the argument.
    public struct Mistake: Error, Sendable, CustomStringConvertible {
        /// What is wrong, with the argument.
        public let description: String
    }

    /// The options that were given, in order, each with its long name and value (empty if it takes none).
    public private(set) var given: [(name: String, value: String)] = []
    /// What is no option, in order.
    public private(set) var operands: [String] = []

    /// Reads a command line.
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - options: what the program has.
    /// - Throws: ``Mistake`` that names the unknown, ambiguous or incomplete option.
    public init(_ arguments: [String], options: [Option]) throws(Mistake) {
        let result = Self.lock.withLock { _ in Self.read(arguments, options) }
        switch result {
        case .success(let read): self = read
        case .failure(let mistake): throw mistake
        }
    }

    /// The last value given for an option, nil if it was not given.
    public func last(_ name: String) -> String? {
        given.last { $0.name == name }?.value
    }

    /// All values given for an option.
    public func all(_ name: String) -> [String] {
        given.filter { $0.name == name }.map(\.value)
    }

    private init() {}

    private static let lock = Mutex(())
    /// Long options are numbered from here, above every letter.
    private static let firstNumber: Int32 = 1000

    private static func read(_ arguments: [String], _ options: [Option]) -> Result<Self, Mistake> {
        var strings = (["-"] + arguments).map { strdup($0) }
        strings.append(nil)
        let names = options.map { strdup($0.name) }
        defer {
            for string in strings + names { free(string) }
        }
        let long = zip(options, names).enumerated().map { index, pair in
            option(
                name: pair.1.map { UnsafePointer($0) }, has_arg: pair.0.takesValue ? 1 : 0, flag: nil,
                val: firstNumber + Int32(index))
        }
        // The colon in front tells a missing value from an unknown option.
        let letters = options.reduce(":") { text, option in
            option.letter.map { text + String($0) + (option.takesValue ? ":" : "") } ?? text
        }
        let count = Int32(strings.count - 1)
        var result = Self()
        skein_getopt_restart()
        // getopt moves operands to the end of the array it is given; a copy, so that all strings are freed.
        var permuted = strings
        return permuted.withUnsafeMutableBufferPointer { vector in
            while true {
                let code = skein_getopt_long(
                    count, vector.baseAddress, letters,
                    long + [option(name: nil, has_arg: 0, flag: nil, val: 0)])
                if code == -1 { break }
                let last = vector[Int(max(skein_optind(), 1)) - 1].map { String(cString: $0) } ?? ""
                guard let index = index(code, options) else {
                    return .failure(mistake(code, last, options))
                }
                let value = skein_optarg().map { String(cString: $0) } ?? ""
                result.given.append((options[index].name, value))
            }
            result.operands = vector[Int(skein_optind())...].compactMap { $0.map { String(cString: $0) } }
            return .success(result)
        }
    }

    private static func index(_ code: Int32, _ options: [Option]) -> Int? {
        if code >= firstNumber { return Int(code - firstNumber) }
        guard code != 63, code != 58, let letter = UInt8(exactly: code) else { return nil }  // ? and :
        return options.firstIndex { $0.letter == Character(UnicodeScalar(letter)) }
    }

    private static func mistake(_ code: Int32, _ argument: String, _ options: [Option]) -> Mistake {
        let about = skein_optopt()
        let name =
            if let index = index(about, options), about >= firstNumber {
                "--" + options[index].name
            } else if let letter = UInt8(exactly: about), about > 0 {
                "-" + String(Character(UnicodeScalar(letter)))
            } else {
                String(argument.prefix { $0 != "=" })
            }
        if code == 58 { return Mistake(description: "option \(name) needs a value") }
        if about >= firstNumber { return Mistake(description: "option \(name) takes no value") }
        let matches = options.filter {
            about == 0 && name.hasPrefix("--") && $0.name.hasPrefix(name.dropFirst(2))
        }
        if matches.count > 1 {
            let names = matches.map { "--" + $0.name }.joined(separator: ", ")
            return Mistake(description: "option \(name) is ambiguous: \(names)")
        }
        return Mistake(description: "unknown option \(name)")
    }
}
