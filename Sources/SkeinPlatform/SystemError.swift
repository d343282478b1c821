/// An `errno` with its name and the system's text for it.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32

    /// - Parameter code: the value of `errno`.
    public init(code: Int32) {
        self.code = code
    }

    /// The error of the call that just failed. Read it in the first statement after the call.
    public static var current: SystemError { SystemError(code: errno) }

    /// The symbolic name, `ENOSPC`, or `errno 123` for one this table does not have.
    public var name: String {
        Self.names[code] ?? "errno \(code)"
    }

    public var description: String {
        // strerror's buffer is per thread in every C library Skein runs on.
        let text = strerror(code).map { String(cString: $0) } ?? "unknown error"
        return "\(name) (\(text))"
    }

    private static let names = Dictionary(
        [
            (EPERM, "EPERM"), (ENOENT, "ENOENT"), (EINTR, "EINTR"), (EIO, "EIO"), (EBADF, "EBADF"),
            (EAGAIN, "EAGAIN"), (ENOMEM, "ENOMEM"), (EACCES, "EACCES"), (EFAULT, "EFAULT"),
            (EBUSY, "EBUSY"), (EEXIST, "EEXIST"), (ENODEV, "ENODEV"), (ENOTDIR, "ENOTDIR"),
            (EISDIR, "EISDIR"), (EINVAL, "EINVAL"), (ENFILE, "ENFILE"), (EMFILE, "EMFILE"),
            (EFBIG, "EFBIG"), (ENOSPC, "ENOSPC"), (EROFS, "EROFS"), (EPIPE, "EPIPE"),
            (EDQUOT, "EDQUOT"), (ENAMETOOLONG, "ENAMETOOLONG"), (ENOTEMPTY, "ENOTEMPTY"),
            (ELOOP, "ELOOP"), (EPROTO, "EPROTO"), (EMSGSIZE, "EMSGSIZE"),
            (EPROTONOSUPPORT, "EPROTONOSUPPORT"), (EAFNOSUPPORT, "EAFNOSUPPORT"),
            (EADDRINUSE, "EADDRINUSE"), (EADDRNOTAVAIL, "EADDRNOTAVAIL"), (ENETDOWN, "ENETDOWN"),
            (ENETUNREACH, "ENETUNREACH"), (ECONNABORTED, "ECONNABORTED"),
            (ECONNRESET, "ECONNRESET"), (ENOBUFS, "ENOBUFS"), (ENOTCONN, "ENOTCONN"),
            (ETIMEDOUT, "ETIMEDOUT"), (ECONNREFUSED, "ECONNREFUSED"),
            (EHOSTUNREACH, "EHOSTUNREACH"), (EALREADY, "EALREADY"), (EINPROGRESS, "EINPROGRESS"),
            (EOPNOTSUPP, "EOPNOTSUPP"), (ENOTSUP, "ENOTSUP"), (ENOTSOCK, "ENOTSOCK"),
        ],
        uniquingKeysWith: { first, _ in first })
}
