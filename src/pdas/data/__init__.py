"""PDAS: data."""
