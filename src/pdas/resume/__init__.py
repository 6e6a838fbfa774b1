"""Trainings that can be stopped after any step and resumed with the same result."""
