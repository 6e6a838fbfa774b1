"""Using the result of a run."""

from __future__ import annotations

from pathlib import Path

from pdas.engine.classification import Classifier, load_classifier
from pdas.engine.inpainting import Restorer, load_restorer
from pdas.errors import RunError
from pdas.run import Run
from pdas.settings import ClassificationRecipe


def load(path: str | Path) -> Classifier | Restorer:
    """The classifier, or the restorer, of a run directory (its first retraining).

    Or that of one `retrain-<seed>/`. Raises `RunError` if there is none or its files are damaged.
    """
    run = Run.open(path)
    if not run.is_retraining:
        retrainings = run.retrainings()
        if not retrainings:
            raise RunError(f"run: {path} holds no finished retraining; `pdas retrain {path}` first")
        run = retrainings[0]
    recipe, _, _ = run.config()
    return load_classifier(run) if isinstance(recipe, ClassificationRecipe) else load_restorer(run)
