"""A training that can be stopped after any step and resumed with the same result.

All that changes in it has `state_dict` and `load_state_dict`. `Resumable` writes these states to
checkpoints and restores them, together with the random generators of the training.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from pdas.distributed.ranks import Ranks
from pdas.resume.batches import ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.frozen import Frozen
from pdas.resume.signals import SIGNALS, StoppedError, StopRequest, stop_on_signals
from pdas.support.errors import CheckpointError, PdasWarning, reason
from pdas.support.random_state import random_state, set_random_state

_log = logging.getLogger(__name__)


class Stateful(Protocol):
    """Something that changes in a training, as plain data and tensors."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any) -> Any: ...


class Resumable:
    """Keeps all that changes in a training in checkpoints.

    Args:
        checkpoints: where they are kept; None keeps nothing.
        frozen: what must be the same when the training is resumed, and on all ranks.
        components: all that changes, by name, except random generators. The global generators, and
            those of components that are `ResumableBatches`, are always kept.
        ranks: the processes of the training; rank 0 writes for all of them.
        must_match: what must be the same on all ranks, by its name in an error.

    Example:
        frozen = Frozen("retrain", settings)
        training = Resumable(checkpoints, frozen, {"net": net}, ranks, must_match={})
        first = training.restore() + 1
        with training.stoppable() as stop:
            for step in range(first, steps + 1):
                ...
                training.after(step, is_kept=step == steps, stop=stop)
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None,
        frozen: Frozen,
        components: Mapping[str, Stateful],
        ranks: Ranks,
        must_match: Mapping[str, Stateful],
    ) -> None:
        self._checkpoints = checkpoints
        self._frozen = frozen
        self._components = {"frozen": frozen, **components}
        self._ranks = ranks
        self._must_match = must_match
        self._saved = False
        batches = [part for part in components.values() if isinstance(part, ResumableBatches)]
        # By identity: two components may draw from one generator.
        self._generators = list({id(g): g for each in batches for g in each.generators}.values())

    def restore(self) -> int:
        """Continue from the newest checkpoint.

        Returns:
            The step of the checkpoint; 0 if there is none.

        Raises:
            CheckpointError: all checkpoints are damaged, or they do not fit this training.
            RankError: the ranks do not match.
        """
        self._frozen.check_ranks(self._ranks)
        saved = self._checkpoints.load() if self._checkpoints else None
        step = 0 if saved is None else self._load(saved)
        self._ranks.check_match(self._must_match)
        return step

    def _load(self, saved: dict[str, Any]) -> int:
        try:
            for name, component in self._components.items():
                component.load_state_dict(saved["components"][name])
            self._ranks.load_state_dict(saved["ranks"])
            # Last, since batches draw their order again while they are restored.
            set_random_state(saved["random"], self._generators, self._ranks.device)
            _log.info("checkpoint: continues after step %d", saved["step"])
            return int(saved["step"])
        except (CheckpointError, PdasWarning):  # it says what has changed
            raise
        except Exception as error:  # of any type, since the file may be from someone else
            assert self._checkpoints is not None
            raise CheckpointError(
                f"checkpoint: what is in {self._checkpoints.directory} does not fit this training "
                f"({type(error).__name__}: {reason(error)}); restore it, or remove the directory "
                "to begin anew"
            ) from error

    @contextmanager
    def stoppable(self) -> Iterator[StopRequest]:
        """Within it, take Ctrl-C as a request to stop, and with checkpoints SIGTERM too."""
        with stop_on_signals(SIGNALS if self._checkpoints else (signal.SIGINT,)) as request:
            yield request

    def flags(self, stop: StopRequest) -> list[bool]:
        """Whether this rank has had each of `SIGNALS`, and whether a checkpoint is due."""
        due = self._checkpoints is not None and self._due(self._checkpoints)
        return [*(stop.number == each for each in SIGNALS), due]

    def after(
        self, step: int, is_kept: bool, stop: StopRequest, agreed: Sequence[bool] | None = None
    ) -> None:
        """Keep the state after a step, if there is a reason.

        The reasons are: it is the first step, one that is kept, or the one to stop after, or a
        checkpoint is due.

        Args:
            step: the step that is done.
            is_kept: whether it is kept in any case, as the last one.
            stop: whether this rank is to stop. If one rank is, all of them stop.
            agreed: whether each of `flags` is set on at least one rank; if it is not known, it is
                asked here.

        Raises:
            StoppedError: the training is to stop.
            RankError: the ranks do not match, or one is lost.
            RunError: the checkpoint cannot be written.
        """
        *signals, due = agreed or self._ranks.any(*self.flags(stop))
        number = next((n for n, arrived in zip(SIGNALS, signals, strict=True) if arrived), None)
        if self._checkpoints is not None and (number or due or is_kept):
            self._save(self._checkpoints, step)
        if number:
            raise StoppedError(step, number)

    def _due(self, checkpoints: Checkpoints) -> bool:
        """Whether it is time for a checkpoint, by the clock of rank 0."""
        # The first step is kept at once: whatever fails later, there is a checkpoint.
        return self._ranks.index == 0 and (not self._saved or checkpoints.due())

    def _save(self, checkpoints: Checkpoints, step: int) -> None:
        start = time.monotonic()
        self._ranks.check_match(self._must_match)
        state = {
            "step": step,
            "components": {
                name: component.state_dict() for name, component in self._components.items()
            },
            "ranks": self._ranks.state_dict(),
            "random": random_state(self._generators, self._ranks.device),
        }
        with self._ranks.rank_zero_first() as is_first:  # the others wait until it is written
            if is_first:
                checkpoints.save(step, state, since=start)
        self._saved = True
