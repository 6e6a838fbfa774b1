"""PDAS: engine."""
