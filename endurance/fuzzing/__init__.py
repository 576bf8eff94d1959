"""What the run `fuzz` reads: mutated files, texts and command lines."""
