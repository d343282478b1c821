public import CSkeinPlatform

/// Writes a word as 16 lowercase hexadecimal digits, the most significant first: 1 ns.
@inlinable @inline(__always)
public func writeHex(_ word: UInt64, to target: UnsafeMutableRawPointer) { skein_write_hex(word, target) }
