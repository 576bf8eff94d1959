"""What this package costs beside what a user would write instead."""
