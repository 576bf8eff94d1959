"""One call's way down and back: retry( wait for a turn, sign, exchange, decode )."""
