"""PDAS: nn."""
