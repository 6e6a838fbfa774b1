"""Limits and penalties on the cost of architectures, around any optimizer."""
