"""Contacts that are lost when usual tools read a whole account: `python -m benchmarks lossless`."""
