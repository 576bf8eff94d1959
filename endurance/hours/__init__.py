"""What the run `hours` starts: a process whose hours are over in a minute."""
