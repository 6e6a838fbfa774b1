"""PDAS: probabilistic model-based dynamic architecture search."""

from pdas._version import __version__

__all__ = ["__version__"]
