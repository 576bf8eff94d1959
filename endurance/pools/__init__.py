"""What the runs of worker pools start: one job, on several engines."""
