"""The lossless walk over any list that is sorted by a timestamp."""
