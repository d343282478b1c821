// SkeinZeroMQ
