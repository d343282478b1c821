/// A place in a program: literals where the compiler gives them, which cost nothing to keep; else strings.
public struct LogSource: Sendable {
    enum Names {
        case literal(file: StaticString, fileID: StaticString, function: StaticString)
        case computed(file: String, module: String, function: String)
    }

    let names: Names
    /// The line in the file; 0 if it is not known.
    public let line: Int

    /// Where this is called.
    @inlinable
    public init(
        file: StaticString = #filePath, fileID: StaticString = #fileID, function: StaticString = #function,
        line: Int = #line
    ) {
        self.init(literal: file, fileID, function, line)
    }

    @usableFromInline
    init(literal file: StaticString, _ fileID: StaticString, _ function: StaticString, _ line: Int) {
        names = .literal(file: file, fileID: fileID, function: function)
        self.line = line
    }

    /// What another library tells; what is not known is empty, or 0. No allocation.
    public init(file: String, module: String, function: String, line: Int) {
        names = .computed(file: file, module: module, function: function)
        self.line = line
    }

    /// The full path of the source file (`#filePath`); of a foreign record whatever it had.
    public var file: String {
        switch names {
        case .literal(let file, _, _): file.description
        case .computed(let file, _, _): file
        }
    }

    /// The function.
    public var function: String {
        switch names {
        case .literal(_, _, let function): function.description
        case .computed(_, _, let function): function
        }
    }

    /// The module.
    public var module: String {
        switch names {
        case .literal(_, let fileID, _):
            fileID.withUTF8Buffer { String(decoding: Self.module(of: $0), as: UTF8.self) }
        case .computed(_, let module, _): module
        }
    }

    /// What stands before the first slash of a `#fileID`.
    private static func module(of fileID: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: fileID[..<(fileID.firstIndex(of: 0x2F) ?? fileID.count)])
    }

    /// Sets the fields of an event: `file`, `line`, `function`, `module`, those that are known.
    @inline(__always)
    func write(to context: Context) {
        switch names {
        case .literal(let file, let fileID, let function):
            if file.utf8CodeUnitCount > 0 { context.set("file", literal: file) }
            if line > 0 { context.set("line", line) }
            if function.utf8CodeUnitCount > 0 { context.set("function", literal: function) }
            if fileID.utf8CodeUnitCount > 0 {
                fileID.withUTF8Buffer { context.set("module", utf8: Self.module(of: $0)) }
            }
        case .computed(let file, let module, let function):
            if !file.isEmpty { context.set("file", file) }
            if line > 0 { context.set("line", line) }
            if !function.isEmpty { context.set("function", function) }
            if !module.isEmpty { context.set("module", module) }
        }
    }
}
