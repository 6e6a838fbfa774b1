"""Mixtures of all candidates, with coefficients that have a gradient."""
