// SkeinSQLite
