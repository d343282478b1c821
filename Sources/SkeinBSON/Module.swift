// SkeinBSON
