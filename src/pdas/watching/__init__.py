"""A look at a run while it continues, from its files alone."""
