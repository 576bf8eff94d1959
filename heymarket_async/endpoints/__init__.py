"""The calls of the API, one module per kind of thing; none imports another."""
