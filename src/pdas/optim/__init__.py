"""PDAS: optim."""
