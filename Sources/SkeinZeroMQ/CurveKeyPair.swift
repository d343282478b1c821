import CSkeinZeroMQ
import SkeinPlatform

/// A CURVE key: 32 bytes, written as 40 characters of Z85.
public struct CurveKey: Sendable, Hashable, CustomStringConvertible {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// - Returns: nil unless there are exactly 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// A key from its Z85 text.
    /// - Returns: nil unless it is 40 characters of Z85 that stand for 32 bytes.
    public init?(z85 text: String) {
        guard text.utf8.count == 40 else { return nil }
        var decoded = [UInt8](repeating: 0, count: 32)
        guard zmq_z85_decode(&decoded, text) != nil else { return nil }
        // libzmq takes some texts that no encoder writes; only what comes out again is a key.
        guard let key = Self(bytes: decoded), key.z85 == text else { return nil }
        self = key
    }

    /// The key as 40 characters of Z85 (ZeroMQ RFC 32).
    public var z85: String {
        var text = [CChar](repeating: 0, count: 41)
        _ = zmq_z85_encode(&text, bytes, bytes.count)
        return String(decoding: text.prefix(40).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Says nothing of the bytes: the key may be a secret one.
    public var description: String { "CURVE key" }
}

/// A CURVE pair of keys.
public struct CurveKeyPair: Sendable, Hashable {
    /// The half that others may know.
    public let publicKey: CurveKey
    /// The half that never leaves its owner.
    public let secretKey: CurveKey

    /// The pair that belongs to a secret key.
    /// - Throws: ``ZMQError``, `ENOTSUP` if libzmq was built without CURVE.
    public init(secretKey: CurveKey) throws(ZMQError) {
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&text, secretKey.z85) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "derive a public key")
        }
        try self.init(publicText: text, secretKey: secretKey)
    }

    /// A new random pair.
    /// - Throws: ``ZMQError``, `ENOTSUP` if libzmq was built without CURVE.
    public static func generate() throws(ZMQError) -> CurveKeyPair {
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else {
            throw ZMQError(code: zmq_errno(), operation: "generate a pair of keys")
        }
        guard let secretKey = CurveKey(z85: Self.string(secretText)) else {
            throw ZMQError(code: EPROTO, operation: "read a generated key")
        }
        return try CurveKeyPair(publicText: publicText, secretKey: secretKey)
    }

    private init(publicText: [CChar], secretKey: CurveKey) throws(ZMQError) {
        guard let publicKey = CurveKey(z85: Self.string(publicText)) else {
            throw ZMQError(code: EPROTO, operation: "read a generated key")
        }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix(40).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
