/// Anything with string keys that can carry a tree's ids across a process border: HTTP headers, message attributes.
///
/// Names are compared without regard to case by whoever implements it. `[String: String]` is one.
///
/// ```swift
/// struct Headers: PropagationCarrier {
///     var fields: [(name: String, value: String)] = []
///     func propagatedValue(for name: String) -> String? {
///         fields.first { $0.name.lowercased() == name }?.value
///     }
///     mutating func setPropagatedValue(_ value: String, for name: String) {
///         fields.removeAll { $0.name.lowercased() == name }
///         fields.append((name, value))
///     }
/// }
/// ```
public protocol PropagationCarrier {
    /// The value of a header, or nil. `name` is lowercase.
    func propagatedValue(for name: String) -> String?
    /// Sets a header, replacing any of that name. `name` is lowercase.
    mutating func setPropagatedValue(_ value: String, for name: String)
}

extension Dictionary: PropagationCarrier where Key == String, Value == String {
    public func propagatedValue(for name: String) -> String? {
        if let exact = self[name] { return exact }
        return first { $0.key.utf8.count == name.utf8.count && $0.key.lowercased() == name }?.value
    }

    public mutating func setPropagatedValue(_ value: String, for name: String) {
        for key in keys where key != name && key.lowercased() == name { self[key] = nil }
        self[name] = value
    }
}
