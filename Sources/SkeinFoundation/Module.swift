// SkeinFoundation
