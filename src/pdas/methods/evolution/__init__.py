"""Regularised evolution: numpy only. `optimizer` has it, `method` gives it its name."""

from pdas.methods.evolution import method as method  # registers it
