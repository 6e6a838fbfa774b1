"""Several methods on one recipe with several seeds, and whether one is better than another."""
