"""Files that jobs keep on disk: SQLite databases, locks, and private files."""
