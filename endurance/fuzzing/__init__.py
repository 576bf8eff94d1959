"""The contents that the run `fuzz` reads: mutated files, texts and command lines."""
