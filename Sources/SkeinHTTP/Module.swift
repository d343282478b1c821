// SkeinHTTP
