"""PDAS: probabilistic model-based dynamic architecture search.

The structure of a network is a vector of categorical variables; a product of categorical
distributions over them is moved by a stochastic natural gradient while the shared weights are
trained; the most likely architecture is then retrained.

"The paper", here and in the documentation, is "Probabilistic Model-Based Dynamic Architecture
Search", under review at ICLR 2019; equation numbers are its own.
"""

from pdas import nn
from pdas._version import __version__
from pdas.cost import ProductCost
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.settings import SearchSettings
from pdas.searches.probe import Probe, probe
from pdas.searches.search import SearchResult, search
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import PdasError
from pdas.tasks.classification import Classifier, Prediction
from pdas.tasks.inpainting import Restorer
from pdas.tasks.registry import load

__all__ = [
    "PDAS",
    "Architecture",
    "Classifier",
    "Limit",
    "PdasError",
    "Penalty",
    "Prediction",
    "Probe",
    "ProductCost",
    "Restorer",
    "SearchResult",
    "SearchSettings",
    "SearchSpace",
    "__version__",
    "load",
    "nn",
    "probe",
    "search",
]
