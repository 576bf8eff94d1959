"""Sending in bulk: each row of a file or a program becomes one text, and nobody gets two."""
