// SkeinShipping
