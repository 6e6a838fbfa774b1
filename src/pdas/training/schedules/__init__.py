"""Schedules of the learning rate by name, a file each; see `pdas.training.components`."""
