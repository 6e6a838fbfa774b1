"""Experiments by stages, each in a run directory; several seeds, comparison and export."""
