import SkeinBSON
import SkeinPlatform

/// The rate of an event that is let go although its tree was sampled: every such tree is kept when something went wrong, so the
/// decision of its root's sampling weighs nothing any more.
public enum HeldRate {
    /// Hands the event on with its `rate`, if it has one, multiplied: in a copy, so that a second time finds it as it was. A factor
    /// that is no positive number changes nothing, and no rate becomes more than 1.
    public static func multiplied<Result>(
        _ event: UnsafeRawBufferPointer, by factor: Double, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        guard factor != 1, factor.isFinite, factor > 0, let base = event.baseAddress,
            let view = try? BSONView(event), let element = view.first("rate"), element.value.count == 8,
            let place = element.value.baseAddress
        else { return body(event) }
        let old = Double(bitPattern: UInt64(littleEndian: place.loadUnaligned(as: UInt64.self)))
        let new = min(1, old * factor)
        var copy = Array(event)
        return copy.withUnsafeMutableBytes {
            $0.storeBytes(
                of: new.bitPattern.littleEndian, toByteOffset: place - UnsafeRawPointer(base), as: UInt64.self
            )
            return body(UnsafeRawBufferPointer($0))
        }
    }
}
