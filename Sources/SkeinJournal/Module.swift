// SkeinJournal
