"""Decodes the body of an answer into models, however odd the body is."""
