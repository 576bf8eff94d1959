"""The import: rows of a file or a program become contacts, each once."""
