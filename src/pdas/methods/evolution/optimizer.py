"""Evolution with tournaments: the best of a few members is mutated in one variable.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, where the
oldest member dies. In a tournament of Chen et al., "Reinforced Evolutionary Neural Architecture
Search", CVPR 2019, the worst of the draw dies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from pdas.methods.evolution.mutation import Member, Mutation, OneVariable
from pdas.methods.observing import Observing
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import SettingError
from pdas.support.refusals import check_integer, check_one_of, refuse

Death = Literal["oldest", "worst"]


class Evolution(Observing):
    """Evolution of a population. Its choice is the best that it was told.

    The first `population` architectures are uniform. Then `tournament` members are drawn without
    replacement, and the best of them is mutated. All that are asked for at a time are children of
    the population as it is. A member without a finite loss has its place and wins no tournament.

    Args:
        space: the search space.
        seed: of the random generator.
        samples: how many architectures `ask()` gives.
        population: its size, P.
        tournament: members that are drawn, S, at most P.
        dies: the "oldest" member, or the "worst" of the tournament of the child that takes its
            place.
        mutation: makes a child; by default `OneVariable`.

    Raises:
        SettingError: a setting is out of range.

    Example:
        >>> import pdas
        >>> from pdas.methods.evolution.optimizer import Evolution
        >>> space = pdas.SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> optimizer = Evolution(space, seed=0, population=4, tournament=2)
        >>> for _ in range(20):
        ...     architectures = optimizer.ask()
        ...     optimizer.tell(architectures, [a["width"] for a in architectures])
        >>> optimizer.best()["width"]
        64
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        samples: int = 2,
        population: int = 20,
        tournament: int = 5,
        dies: Death = "oldest",
        mutation: Mutation | None = None,
    ) -> None:
        super().__init__(space, seed=seed, samples=samples)
        check_integer("population", population, 1)
        check_integer("tournament", tournament, 1)
        check_one_of("dies", dies, ("oldest", "worst"), "the oldest is that of Real et al.")
        if tournament > population:
            refuse(
                SettingError,
                "tournament",
                found=f"{tournament} of a population of {population}",
                expected="at most all of it",
                remedy="lower it, or raise population",
            )
        self._population, self._tournament, self._dies = population, tournament, dies
        self._mutation = mutation or OneVariable(space)
        self._members: list[Member] = []  # the oldest first
        # Of children that were asked for: the best and the worst of their tournaments.
        self._births: dict[tuple[int, ...], tuple[Member, Member]] = {}

    def parent(self, architecture: Architecture) -> Architecture | None:
        """The member whose child an architecture is, that was asked for and not told since.

        Returns:
            None of one that was drawn uniformly, or comes from elsewhere.
        """
        birth = self._births.get(tuple(architecture.indices.tolist()))
        return None if birth is None else self.space.architecture(birth[0].indices)

    def parents(self) -> list[Architecture]:
        """Those that may still be the parent of a child, or are that of one that is asked for."""
        asked = [parent for parent, _ in self._births.values()]
        rows = dict.fromkeys(member.indices for member in (*self._members, *asked))
        return [self.space.architecture(row) for row in rows]

    def forget(self, architectures: Iterable[Architecture]) -> None:
        """Forget whose children some are, which were drawn and will not be told.

        Args:
            architectures: as those that were above a limit.
        """
        for architecture in architectures:
            self._births.pop(tuple(architecture.indices.tolist()), None)

    def measures(self) -> dict[str, float]:
        """The size of the population, and those of the mutation."""
        return {"population": float(len(self._members)), **self._mutation.measures()}

    def made_with(self) -> dict[str, Any]:
        """The settings; see `pdas.methods.optimizer.made_with`."""
        return {
            "method.population": self._population,
            "method.tournament": self._tournament,
            "method.dies": self._dies,
            "method.mutation": type(self._mutation).__name__,
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "members": [member.state() for member in self._members],
            "births": [
                {"child": list(row), "parent": parent.state(), "worst": worst.state()}
                for row, (parent, worst) in self._births.items()
            ],
            "mutation": self._mutation.state_dict(),
        }

    def _draw(self) -> Architecture:
        if len(self._members) < self._population:
            return self.space.uniform(self._rng)
        drawn = self._drawn()
        parent, worst = min(drawn, key=_loss), max(drawn, key=_loss)
        child = self._mutation(np.array(parent.indices), self._rng)
        self._births[tuple(child.tolist())] = parent, worst
        return self.space.architecture(child)

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        rows = map(tuple, indices.tolist())
        births = []
        for child in map(Member, rows, losses.tolist()):
            birth = self._births.pop(child.indices, None)
            if birth is not None:
                births.append((birth[0], child))
            if len(self._members) >= self._population:
                self._members.remove(self._dying(birth))
            self._members.append(child)
        if births:
            self._mutation.learn(births)

    def _drawn(self) -> list[Member]:
        """The members of a tournament, the oldest first."""
        chosen = self._rng.choice(len(self._members), self._tournament, replace=False)
        return [self._members[i] for i in sorted(chosen)]

    def _dying(self, birth: tuple[Member, Member] | None) -> Member:
        """The member that makes room for a child; the worst of its tournament may be gone."""
        if self._dies == "oldest":
            return self._members[0]
        if birth is not None and birth[1] in self._members:
            return birth[1]
        return max(self._drawn(), key=_loss)

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        def member(plain: dict[str, Any]) -> Member:
            return Member.of_state(self.space, plain)

        members = [member(each) for each in state["members"]]
        if len(members) > self._population:
            raise ValueError(f"{len(members)} members, more than {self._population}")
        births = {
            tuple(self.space.architecture(each["child"]).indices.tolist()): (
                member(each["parent"]),
                member(each["worst"]),
            )
            for each in state["births"]
        }
        restore_mutation = self._mutation.restorer(state["mutation"])

        def restore() -> None:
            restore_mutation()
            self._members, self._births = members, births

        return restore


def _loss(member: Member) -> float:
    return member.loss
