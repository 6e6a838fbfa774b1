"""Trainings that can be stopped after any step, and resumed as if they had not been."""
