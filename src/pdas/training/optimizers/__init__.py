"""Optimizers of weights by name, a file each; see `pdas.training.components`."""
