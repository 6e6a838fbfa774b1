"""What programs use of the shipped tasks, by name, imported when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdas.tasks.classification.classifier import Classifier, Prediction
    from pdas.tasks.inpainting.restorer import Restorer

__all__ = ["Classifier", "Prediction", "Restorer"]

_MODULES = {
    "Classifier": "pdas.tasks.classification.classifier",
    "Prediction": "pdas.tasks.classification.classifier",
    "Restorer": "pdas.tasks.inpainting.restorer",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
