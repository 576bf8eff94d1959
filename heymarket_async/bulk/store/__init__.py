"""What jobs keep on disk: SQLite files, locks, and files that are private."""
