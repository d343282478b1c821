/// The version of the whole package: what its programs say of themselves.
public enum SkeinVersion {
    /// By the rules of Semantic Versioning.
    public static let current = "0.1.0"
}
