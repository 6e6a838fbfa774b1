"""What a training is made of: a resumed one, and every rank, must have the same."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pdas.distributed.ranks import Ranks
from pdas.support.errors import CheckpointError, PdasWarning, RankError, short
from pdas.support.refusals import refuse
from pdas.support.settings import Settings, first_difference, flat

CODE = "code of "  # of what is edited more often than it is changed, so that it only warns


class Frozen:
    """Values that a resumed training must not change; see `first_difference`.

    They are a component of a `Resumable`, which keeps them in its checkpoints.

    Args:
        stage: the group of the settings in a recipe, as "search".
        settings: those of the training now.
        given: what else it was given, as plain values by name; mappings in it are nested names. A
            difference in the code of a function, by the name "code of ...", is only a warning.

    Attributes:
        values: all of them by name, as "search.epochs".

    Example:
        Frozen("search", TrainingSettings(epochs=10), {"seed": 0})
    """

    def __init__(
        self, stage: str, settings: Settings, given: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        own = flat(settings.model_dump(), f"{stage}.")
        self.values: dict[str, Any] = {"stage": stage, **own, **flat(given)}

    def add(self, given: Mapping[str, Any]) -> None:
        """Add further values.

        Args:
            given: see above.
        """
        self.values |= flat(given)

    def check_ranks(self, ranks: Ranks) -> None:
        """Check that every rank has the same values.

        Raises:
            RankError: one has others. The message names the first difference from rank 0.
        """
        first, *others = ranks.gather([self.values])
        for index, other in enumerate(others, start=1):
            name = first_difference(other, first)
            if name is not None:
                refuse(
                    RankError,
                    name,
                    found=f"{short(other.get(name))} on rank {index}",
                    expected=f"{short(first.get(name))} as on rank 0",
                    remedy="give all ranks the same",
                )

    def state_dict(self) -> dict[str, Any]:
        """All values by name."""
        return dict(self.values)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Check that no value has changed.

        Raises:
            CheckpointError: one has. A value that is missing in `state` counts as unchanged.
        """
        known = flat(self.values | {name: state[name] for name in self.values if name in state})
        now = flat(self.values)
        code = [name for name in known if name.startswith(CODE)]
        edited = [name for name in code if known.pop(name) != now.pop(name)]
        changed = first_difference(now, known)
        if changed is not None:
            refuse(
                CheckpointError,
                changed,
                found=short(now.get(changed)),
                expected=f"{short(known.get(changed))} as in the checkpoint",
                remedy="give it as it was, or begin anew with other checkpoints",
            )
        for name in edited:
            found = "found other code than in the checkpoint, with which the training continues"
            warnings.warn(f"{name}: {found}", PdasWarning, stacklevel=2)
