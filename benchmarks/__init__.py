"""The cost of this package, compared with code that a user would write instead."""
