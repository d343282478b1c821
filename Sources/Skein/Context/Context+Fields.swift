internal import SkeinBSON
internal import SkeinWire

extension Context {
    /// Sets a field, or reads it back. Dotted keys nest; the last write wins; nil removes.
    ///
    /// ```swift
    /// withContext("request") { context in
    ///     context["user_agent"] = "curl/8"
    ///     context["response.status"] = 200      // {response: {status: 200}}
    /// }
    /// ```
    /// Cost: about 10 ns for a scalar. Reading copies, for tests and rare use.
    @inlinable
    public subscript<Value: FieldValue>(key: StaticString) -> Value? {
        get { field(key.description) as? Value }
        set { set(key, newValue) }
    }

    /// As the literal subscript, with a key that is computed.
    @inlinable
    public subscript<Value: FieldValue>(dynamic key: String) -> Value? {
        get { field(key) as? Value }
        set { set(dynamic: key, newValue) }
    }

    /// Sets a field; nil removes it.
    @inlinable @inline(__always)
    public func set<Value: FieldValue>(_ key: StaticString, _ value: Value?) {
        guard listens else { return }
        guard key.hasPointerRepresentation else { return set(dynamic: key.description, value) }
        guard let value else { return removeField(literal: key) }
        value.encode(
            into: FieldTarget(self, key: key.utf8Start, keyLength: key.utf8CodeUnitCount, literal: true))
    }

    /// Sets a field whose key is computed; nil removes it.
    @inlinable
    public func set<Value: FieldValue>(dynamic key: String, _ value: Value?) {
        guard listens else { return }
        guard let value else { return removeField(computed: key) }
        var key = key
        key.withUTF8 { utf8 in
            value.encode(
                into: FieldTarget(
                    self, key: UnsafeRawPointer(utf8.baseAddress ?? Self.noBytes), keyLength: utf8.count,
                    literal: false))
        }
    }

    /// Sets a field to an array of several values.
    public func set<Value: FieldValue>(_ key: StaticString, _ first: Value, _ second: Value, _ more: Value...)
    {
        guard listens else { return }
        set(key, [first, second] + more)
    }

    /// Sets a field whose value must not leave the process as it is.
    public func set<Value: FieldValue>(_ key: StaticString, _ value: Value, privacy: FieldPrivacy) {
        guard listens, let core else { return }
        set(key, privacy.apply(value.bsonValue, key: core.privacyKey))
    }

    /// Sets a field from an Encodable value: a document, an array or a scalar, as `BSONEncoder` writes it. What cannot be
    /// encoded is dropped and counted.
    public func set(_ key: StaticString, encoding value: some Encodable) {
        guard listens, let core else { return }
        do {
            set(key, try BSONEncoder().encodeValue(value))
        } catch {
            core.count(.fieldsDropped)
        }
    }

    /// Sets several fields below a key: `merge("user", ["name": "ann", "plan": "free"])` is `user.name` and `user.plan`.
    public func merge(_ key: StaticString, _ values: [String: any FieldValue]) {
        merge(dynamic: key.description, values)
    }

    /// As ``merge(_:_:)``, with a key that is computed. An empty key merges into the body itself.
    public func merge(dynamic key: String, _ values: [String: any FieldValue]) {
        guard listens else { return }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            set(dynamic: key.isEmpty ? name : "\(key).\(name)", value.bsonValue)
        }
    }

    /// Adds to an integer field, from 0.
    @inlinable
    public func add(_ key: StaticString, _ amount: Int = 1) {
        guard listens else { return }
        addSum(key, integer: Int64(amount), double: nil)
    }

    /// Adds to a number field, from 0; the field becomes a double.
    @inlinable
    public func add(_ key: StaticString, _ amount: Double) {
        guard listens else { return }
        addSum(key, integer: 0, double: amount)
    }

    /// As ``add(_:_:)-(StaticString,Int)``, with a key that is computed.
    public func add(dynamic key: String, _ amount: Int = 1) {
        guard listens else { return }
        withKey(key) { writeSum($0, $1, literal: false, integer: Int64(amount), double: nil) }
    }

    /// As ``add(_:_:)-(StaticString,Double)``, with a key that is computed.
    public func add(dynamic key: String, _ amount: Double) {
        guard listens else { return }
        withKey(key) { writeSum($0, $1, literal: false, integer: 0, double: amount) }
    }

    /// Appends to an array field, from an empty one. Costs a copy of the array.
    public func append(_ key: StaticString, _ value: some FieldValue) {
        guard listens else { return }
        guard key.hasPointerRepresentation else { return append(dynamic: key.description, value) }
        writeItem(key.utf8Start, key.utf8CodeUnitCount, literal: true, value.bsonValue)
    }

    /// As ``append(_:_:)``, with a key that is computed.
    public func append(dynamic key: String, _ value: some FieldValue) {
        guard listens else { return }
        withKey(key) { writeItem($0, $1, literal: false, value.bsonValue) }
    }

    // MARK: Behind the inlinable ones

    /// Stands in for the address of no bytes at all; never read.
    @usableFromInline nonisolated(unsafe) static let noBytes = UnsafePointer(
        UnsafeMutablePointer<UInt8>.allocate(capacity: 8))

    @usableFromInline
    func addSum(_ key: StaticString, integer: Int64, double: Double?) {
        if key.hasPointerRepresentation {
            writeSum(key.utf8Start, key.utf8CodeUnitCount, literal: true, integer: integer, double: double)
        } else {
            withKey(key.description) { writeSum($0, $1, literal: false, integer: integer, double: double) }
        }
    }

    @usableFromInline
    func removeField(literal key: StaticString) {
        removeField(key.utf8Start, key.utf8CodeUnitCount)
    }

    @usableFromInline
    func removeField(computed key: String) {
        withKey(key) { removeField($0, $1) }
    }

    /// The value of a field as the Swift type that wrote it, or as `BSONValue`.
    @usableFromInline
    func field(_ key: String) -> Any? {
        withKey(key) { pointer, length in
            guard let value = readField(pointer, length) else { return nil }
            switch value {
            case .string(let text): return text
            case .int64(let number): return Int(exactly: number) ?? number
            case .int32(let number): return number
            case .double(let number): return number
            case .bool(let truth): return truth
            default: return value
            }
        }
    }

    private func withKey<Result>(_ key: String, _ body: (UnsafeRawPointer, Int) -> Result) -> Result {
        var key = key
        return key.withUTF8 { body(UnsafeRawPointer($0.baseAddress ?? Self.noBytes), $0.count) }
    }
}
