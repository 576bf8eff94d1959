"""From the body of an answer to models, however odd the body is."""
