"""A snapshot of a run while it continues, from its files alone."""
