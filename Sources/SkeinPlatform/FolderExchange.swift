internal import CSkeinPlatform

/// Exchanging two names of one file system at one instant: whoever looks sees both as they were, or both exchanged.
public enum FolderExchange {
    /// `renameat2` with `RENAME_EXCHANGE`; on macOS `renamex_np` with `RENAME_SWAP`.
    /// - Returns: the error, nil if all is well; `EINVAL` or `ENOSYS` where the file system cannot do it.
    public static func exchange(_ first: String, _ second: String) -> SystemError? {
        let code = skein_exchange(first, second)
        return code == 0 ? nil : SystemError(code: code)
    }
}
