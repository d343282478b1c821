import SkeinBSON

/// Puts one value at a dotted path of an event: in its place if something stands there, else at the end of its document,
/// whose parents are made where they are missing.
struct FieldSetter: Sendable {
    private let steps: [[UInt8]]
    private let type: BSONType
    private let value: [UInt8]

    /// What came of it.
    enum Outcome {
        case written
        /// The path leads through a value that is no document.
        case blocked
        /// The bytes are no document.
        case broken
    }

    /// - Parameter path: from the event's top.
    init(path: [String], value: BSONValue) {
        steps = path.map { Array($0.utf8) }
        type = value.type
        var holder = BSONDocument()
        holder.append("", value)
        self.value = holder.withView { view in
            view.first(key: .init(start: nil, count: 0)).map { Array($0.value) } ?? []
        }
    }

    /// Writes the event with the value.
    func rewrite(_ event: UnsafeRawBufferPointer, into buffer: RewriteBuffer) -> Outcome {
        guard let view = BSONView(prefixOf: event) else { return .broken }
        return set(view, 0, buffer)
    }

    private func set(_ view: BSONView, _ step: Int, _ buffer: RewriteBuffer) -> Outcome {
        let start = buffer.begin()
        var elements = view.makeElements()
        var isSet = false
        let isLast = step == steps.count - 1
        do {
            while let element = try elements.next() {
                guard steps[step].withUnsafeBytes({ element.hasKey($0) }) else {
                    buffer.header(element.type, element.key)
                    buffer.append(element.value)
                    continue
                }
                // Of keys that stand twice the first counts; a later one would only contradict it.
                if isSet { continue }
                isSet = true
                if isLast {
                    put(step, buffer)
                } else {
                    guard element.type == .document, let inner = element.document else { return .blocked }
                    buffer.header(.document, element.key)
                    let outcome = set(inner, step + 1, buffer)
                    guard case .written = outcome else { return outcome }
                }
            }
        } catch {
            return .broken
        }
        if !isSet {
            // The documents around it that are missing.
            var open: [Int] = []
            for missing in step..<steps.count - 1 {
                steps[missing].withUnsafeBytes { buffer.header(.document, $0) }
                open.append(buffer.begin())
            }
            put(steps.count - 1, buffer)
            for start in open.reversed() { buffer.end(start) }
        }
        buffer.end(start)
        return .written
    }

    private func put(_ step: Int, _ buffer: RewriteBuffer) {
        steps[step].withUnsafeBytes { buffer.header(type, $0) }
        value.withUnsafeBytes { buffer.append($0) }
    }
}
