"""PDAS: report."""
