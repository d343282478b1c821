// SkeinCollector
