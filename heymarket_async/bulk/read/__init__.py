"""Reads a whole account into a store, some parts side by side, and can resume."""
