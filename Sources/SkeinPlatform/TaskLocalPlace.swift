public import CSkeinPlatform

/// A task-local value of a class, read where it stands.
///
/// `TaskLocal.get()` copies the value by its type's witness table, which counts a reference twice: 15 ns that matter where the
/// value is only looked at.
@frozen
public struct TaskLocalPlace<Value: AnyObject & Sendable>: @unchecked Sendable {
    // Sendable: a constant address.
    @usableFromInline let key: UnsafeRawPointer

    /// - Parameter local: lives for ever.
    public init(_ local: TaskLocal<Value>) {
        key = UnsafeRawPointer(Unmanaged.passUnretained(local).toOpaque())
    }

    /// - Parameter address: of a `TaskLocal<Value>` that lives for ever; 0: there is none yet, and nil comes back.
    @inlinable @inline(__always)
    public init?(address: UInt) {
        guard let key = UnsafeRawPointer(bitPattern: address) else { return nil }
        self.key = key
    }

    /// What the calling task has bound, nil if nothing. The binding keeps it: use it before anything else can end that.
    @inlinable @inline(__always)
    public var bound: Unmanaged<Value>? {
        skein_task_local_value(key).map { $0.assumingMemoryBound(to: Unmanaged<Value>.self).pointee }
    }
}
