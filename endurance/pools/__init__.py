"""The job that the runs of worker pools start, on several engines."""
