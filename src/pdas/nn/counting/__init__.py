"""Parameters and multiply-adds of a network with choices, without running each architecture."""
