"""PDAS: probabilistic model-based dynamic architecture search.

The structure of a network is a vector of categorical variables; a product of categorical
distributions over them is moved by a stochastic natural gradient while the shared weights are
trained; the most likely architecture is then retrained.

"The paper", here and in the documentation, is "Probabilistic Model-Based Dynamic Architecture
Search", under review at ICLR 2019; equation numbers are its own.

Every name is imported when it is first used, so a program that only optimizes loads no torch.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pdas._version import __version__

if TYPE_CHECKING:  # for type checkers and editors; at run time `__getattr__` finds these names
    from pdas import nn, stages
    from pdas.cost import ProductCost
    from pdas.methods.base import SearchMethod
    from pdas.methods.constraints.limit import Limit
    from pdas.methods.constraints.penalty import Penalty
    from pdas.methods.pdas.optimizer import PDAS
    from pdas.methods.sampled.method import Sampled
    from pdas.methods.settings import SearchSettings
    from pdas.retraining.result import RetrainingResult
    from pdas.retraining.retrain import retrain
    from pdas.searches.probe import Probe, probe
    from pdas.searches.result import SearchResult
    from pdas.searches.search import search
    from pdas.space import Architecture, SearchSpace
    from pdas.stages.comparing import compare
    from pdas.stages.training import run
    from pdas.support.errors import PdasError
    from pdas.tasks.description import read_network
    from pdas.tasks.loading import load
    from pdas.tasks.public import Classifier, Prediction, Restorer
    from pdas.training.loop import Progress

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
    "Progress",
    "Restorer",
    "RetrainingResult",
    "Sampled",
    "SearchMethod",
    "SearchResult",
    "SearchSettings",
    "SearchSpace",
    "__version__",
    "compare",
    "load",
    "nn",
    "probe",
    "read_network",
    "retrain",
    "run",
    "search",
    "stages",
]

# The module of each public name, but for those that are modules themselves, as `nn`.
_MODULES = {
    "PDAS": "pdas.methods.pdas.optimizer",
    "Architecture": "pdas.space",
    "Classifier": "pdas.tasks.public",
    "Limit": "pdas.methods.constraints.limit",
    "PdasError": "pdas.support.errors",
    "Penalty": "pdas.methods.constraints.penalty",
    "Prediction": "pdas.tasks.public",
    "Probe": "pdas.searches.probe",
    "ProductCost": "pdas.cost",
    "Progress": "pdas.training.loop",
    "Restorer": "pdas.tasks.public",
    "RetrainingResult": "pdas.retraining.result",
    "Sampled": "pdas.methods.sampled.method",
    "SearchMethod": "pdas.methods.base",
    "SearchResult": "pdas.searches.result",
    "SearchSettings": "pdas.methods.settings",
    "SearchSpace": "pdas.space",
    "compare": "pdas.stages.comparing",
    "load": "pdas.tasks.loading",
    "probe": "pdas.searches.probe",
    "read_network": "pdas.tasks.description",
    "retrain": "pdas.retraining.retrain",
    "run": "pdas.stages.training",
    "search": "pdas.searches.search",
}


def __getattr__(name: str) -> Any:
    """Import a public name, or a room of the package, when it is first used."""
    if name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value  # so that the next use finds it without this function
        return value
    if name.startswith("_") or find_spec(f"pdas.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"pdas.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
