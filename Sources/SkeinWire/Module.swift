// SkeinWire
