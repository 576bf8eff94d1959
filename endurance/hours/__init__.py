"""The process that the run `hours` starts: one whose hours are over in a minute."""
