"""Where an export's contacts go."""
