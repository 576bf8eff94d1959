"""Reads a whole account, side by side, and knows how far it is."""
