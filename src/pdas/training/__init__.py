"""The training of weights: the loop, what a loss measures, memory, optimizers."""
