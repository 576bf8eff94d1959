"""Files of contacts, as people have them, and the contacts that their rows mean."""
