"""What notebooks show of a value."""
