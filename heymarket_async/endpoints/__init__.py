"""The calls of the API, one module per kind of thing. They share `listing` and `group`."""
