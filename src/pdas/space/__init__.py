"""Variables, search spaces and architectures."""

from pdas.space.search_space import (
    Architecture,
    Label,
    SearchSpace,
    Variable,
    load_labels,
    shortened,
)

__all__ = ["Architecture", "Label", "SearchSpace", "Variable", "load_labels", "shortened"]
