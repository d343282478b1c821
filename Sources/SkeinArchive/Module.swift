// SkeinArchive
