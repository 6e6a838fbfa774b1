"""Random search as an optimizer: uniform draws, and the best that was told."""

from __future__ import annotations

from pdas.methods.observing import Observing


class Uniform(Observing):
    """Draws every architecture uniformly; what it is told changes its choice and no draw.

    Example:
        >>> import pdas
        >>> from pdas.methods.uniform import Uniform
        >>> space = pdas.SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> optimizer = Uniform(space, seed=0)
        >>> for _ in range(20):
        ...     architectures = optimizer.ask()
        ...     optimizer.tell(architectures, [a["width"] for a in architectures])
        >>> optimizer.best()["width"]
        64
    """
