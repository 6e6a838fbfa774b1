"""Relaxations: real numbers in place of the choices of an architecture.

Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray

Kind = Literal["edges", "variables"]
"""What has coefficients: the possible edges of a graph, as in DARTS, or the variables."""


class Relaxation(Protocol):
    """From logits to the coefficients of a mixture, and to the architecture that they mean.

    Example:
        relaxation = net.relaxation("variables")
        logits = torch.zeros(relaxation.size)
        net.forward_mixed(x, coefficients=relaxation.coefficients(logits))
    """

    @property
    def size(self) -> int:
        """How many logits there are."""
        ...

    def coefficients(self, logits: Tensor) -> Any:
        """What `forward_mixed` of the supernet takes.

        Args:
            logits: `(size,)`.
        """
        ...

    def architecture(self, logits: Tensor) -> Architecture:
        """The architecture that the logits stand for."""
        ...

    def largest(self, logits: Tensor) -> float:
        """The mean, over what is decided, of the largest coefficient: from uniform to 1."""
        ...

    def theta(self, logits: Tensor) -> FloatArray | None:
        """The probabilities of all categories `(sum K_i,)`; None if there are none."""
        ...


class VariableRelaxation:
    """A softmax for each variable of a space; the mode is the architecture.

    Args:
        space: of D variables.

    Attributes:
        space: see above.
        size: sum K_i.

    Example:
        VariableRelaxation(net.space).coefficients(logits)
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._sizes = space.sizes.tolist()
        self.size = sum(self._sizes)

    def coefficients(self, logits: Tensor) -> Any:
        """The probabilities `(K_i,)` of each variable."""
        return self.probabilities(logits)

    def probabilities(self, logits: Tensor) -> list[Tensor]:
        """The softmax `(K_i,)` of each variable."""
        return [part.softmax(0) for part in torch.split(logits, self._sizes)]

    def architecture(self, logits: Tensor) -> Architecture:
        """The most probable category of each variable."""
        return self.space.architecture(
            [int(part.argmax()) for part in torch.split(logits, self._sizes)]
        )

    def largest(self, logits: Tensor) -> float:
        """The mean of max_j p_ij over the variables with a choice."""
        parts = [part for part in self.probabilities(logits.detach()) if len(part) > 1]
        return float(torch.stack([part.max() for part in parts]).mean()) if parts else 1.0

    def theta(self, logits: Tensor) -> FloatArray:
        """The probabilities of all categories `(sum K_i,)`."""
        parts = self.probabilities(logits.detach().double())
        theta: FloatArray = torch.cat(parts).cpu().numpy()
        return theta
