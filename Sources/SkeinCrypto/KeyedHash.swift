import CSkeinCrypto

/// A keyed hash: HMAC-SHA-256 (RFC 2104), of OpenSSL's libcrypto. About 1 µs for a short value. Any thread.
///
/// ```swift
/// let hash = KeyedHash(key: Array("a secret of some length".utf8))
/// let digest = Array("ada@example.org".utf8).withUnsafeBytes { hash.hash($0) }
/// ```
public struct KeyedHash: Sendable {
    private let key: [UInt8]

    /// - Parameter key: any number of bytes up to 2 GiB.
    public init(key: [UInt8]) {
        self.key = key
    }

    /// The 32 bytes that belong to some bytes, given in parts.
    public func hash(_ parts: UnsafeRawBufferPointer...) -> [UInt8] {
        var whole: [UInt8] = []
        whole.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { whole += part }
        return [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            let isDone = key.withUnsafeBytes { key in
                whole.withUnsafeBufferPointer { bytes in
                    skein_hmac_sha256(
                        key.baseAddress ?? UnsafeRawPointer(bitPattern: 1), Int32(clamping: key.count),
                        bytes.baseAddress, bytes.count, digest.baseAddress)
                }
            }
            // It fails only without memory; no digest is better than one that anybody could make.
            precondition(isDone == 1, "libcrypto could not hash \(whole.count) bytes")
            count = 32
        }
    }
}
