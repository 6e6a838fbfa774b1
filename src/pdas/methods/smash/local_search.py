"""The choice at the end of SMASH: random candidates, changes of the best, then a chain.

Brock et al., "SMASH: One-Shot Model Architecture Search through HyperNetworks", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pdas.space import Architecture

Score = Callable[[Sequence[Architecture]], Sequence[float]]
"""From architectures to their losses."""

TRIES = 1000  # of a change, until it is within the limits


@dataclass(frozen=True)
class RandomThenLocal:
    """How many candidates are compared.

    Attributes:
        random: drawn first.
        changed: changes of the best of these.
        chain: steps of a chain from the best of all of them, each accepted if it is better.
        probability: of a change of each variable.

    Example:
        RandomThenLocal(100, 20, 20)(draw, score, rng)
    """

    random: int
    changed: int
    chain: int
    probability: float = 0.05

    @property
    def candidates(self) -> int:
        """All of them."""
        return self.random + self.changed + self.chain

    def __call__(
        self,
        draw: Callable[[int], list[Architecture]],
        score: Score,
        rng: np.random.Generator,
        fits: Callable[[Architecture], bool] = lambda architecture: True,
    ) -> Architecture:
        """The candidate with the least loss.

        Args:
            draw: gives random architectures.
            score: gives losses; those that are not finite are the worst.
            rng: of the changes.
            fits: whether a changed one may be found.
        """
        best, loss = _least(draw(self.random), score)
        changed = [self._changed(best, rng, fits) for _ in range(self.changed)]
        if changed:
            best, loss = min((_least(changed, score), (best, loss)), key=lambda pair: pair[1])
        for _ in range(self.chain):
            best, loss = min(
                ((best, loss), _least([self._changed(best, rng, fits)], score)),
                key=lambda pair: pair[1],
            )
        return best

    def _changed(
        self,
        architecture: Architecture,
        rng: np.random.Generator,
        fits: Callable[[Architecture], bool],
    ) -> Architecture:
        """Each variable drawn anew with the probability; the same where no change fits."""
        space = architecture.space
        for _ in range(TRIES):
            anew = rng.random(len(space)) < self.probability
            drawn = rng.integers(space.sizes)
            changed = space.architecture(np.where(anew, drawn, architecture.indices))
            if fits(changed):
                return changed
        return architecture


def _least(architectures: Sequence[Architecture], score: Score) -> tuple[Architecture, float]:
    losses = np.array(score(architectures), dtype=np.float64)
    losses[~np.isfinite(losses)] = np.inf
    index = int(losses.argmin())
    return architectures[index], float(losses[index])
