"""Variables, search spaces and architectures."""

from pdas.space.architecture import Architecture, Assignment, as_labels, load_labels
from pdas.space.checks import check_architecture, check_space
from pdas.space.search_space import SearchSpace
from pdas.space.variables import Categorical, Label, Variable

__all__ = [
    "Architecture",
    "Assignment",
    "Categorical",
    "Label",
    "SearchSpace",
    "Variable",
    "as_labels",
    "check_architecture",
    "check_space",
    "load_labels",
]
