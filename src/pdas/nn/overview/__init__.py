"""A user's network with choices as plain data, to be drawn."""
