import SkeinBSON

// How settings of processors are kept for the time when they are no longer configured (``OutletSettingsFile``).
extension OutletConfiguration.Kind {
    var processorSettings: BSONDocument {
        switch self {
        case .exec(let exec):
            return [
                "command": .array(.array(exec.command.map { .string($0) })),
                "input": .string(exec.input.rawValue), "acknowledge": .bool(exec.isAcknowledged),
                "environment": Self.value(exec.environment), "limits": .document(exec.limits.document),
            ]
        case .library(let library):
            return [
                "path": .string(library.path), "options": Self.value(library.options),
                "limits": .document(library.limits.document),
            ]
        case .processor(let processor):
            return [
                "registered": true, "options": Self.value(processor.options),
                "batch": .int64(Int64(processor.batch)),
            ]
        case .files, .stream, .forward: return [:]
        }
    }

    init?(processorSettings document: BSONDocument) {
        func texts(_ key: String) -> [String: String] {
            var texts: [String: String] = [:]
            for (name, value) in document[key]?.documentValue ?? [:] { texts[name] = value.stringValue }
            return texts
        }
        let limits = document["limits"]?.documentValue.map { OutletConfiguration.ProcessLimits($0) }
        switch document["kind"]?.stringValue {
        case "exec":
            guard let command = document["command"]?.arrayValues?.compactMap(\.stringValue), !command.isEmpty
            else { return nil }
            var exec = OutletConfiguration.Exec(command: command)
            exec.input =
                document["input"]?.stringValue.flatMap { OutletConfiguration.Exec.Input(rawValue: $0) }
                ?? .events
            exec.isAcknowledged = document["acknowledge"]?.boolValue ?? false
            exec.environment = texts("environment")
            exec.limits = limits ?? .init()
            self = .exec(exec)
        case "library":
            guard let path = document["path"]?.stringValue else { return nil }
            var library = OutletConfiguration.Library(path: path)
            library.options = texts("options")
            library.limits = limits ?? .init()
            self = .library(library)
        case .some(let kind):
            guard document["registered"]?.boolValue == true else { return nil }
            var processor = OutletConfiguration.Processor(kind: kind)
            processor.options = texts("options")
            processor.batch = document["batch"]?.intValue.map { Int(clamping: $0) } ?? 1000
            self = .processor(processor)
        case nil: return nil
        }
    }

    private static func value(_ texts: [String: String]) -> BSONValue {
        var document = BSONDocument()
        for (key, text) in texts.sorted(by: { $0.key < $1.key }) { document.append(key, .string(text)) }
        return .document(document)
    }
}

extension OutletConfiguration.ProcessLimits {
    fileprivate var document: BSONDocument {
        [
            "answers": .bool(takesAnswers), "answer_rate": .int64(Int64(answerRate)),
            "batch": .int64(Int64(batch)), "timeout_ms": .int64(Int64(timeout.wholeMilliseconds)),
        ]
    }

    fileprivate init(_ document: BSONDocument) {
        self.init()
        takesAnswers = document["answers"]?.boolValue ?? false
        if let rate = document["answer_rate"]?.intValue { answerRate = max(1, Int(clamping: rate)) }
        if let batch = document["batch"]?.intValue { self.batch = max(1, Int(clamping: batch)) }
        if let timeout = document["timeout_ms"]?.intValue { self.timeout = .milliseconds(max(100, timeout)) }
    }
}
