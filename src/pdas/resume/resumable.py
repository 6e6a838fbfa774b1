"""A training that can be stopped after any step, and goes on as if it had not been."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from pdas.distributed.ranks import Ranks
from pdas.resume.batches import Stream
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError, StopRequest, stop_on_signals
from pdas.support.errors import CheckpointError, reason
from pdas.support.random_state import random_state, set_random_state
from pdas.support.settings import FREE
from pdas.training.settings import TrainingSettings

_log = logging.getLogger(__name__)


class Stateful(Protocol):
    """Something that changes in a training, as plain data and tensors."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any) -> Any: ...


class Unchanged:
    """Settings that a training goes on with as they were, all but those that are `FREE`."""

    def __init__(self, stage: str, settings: TrainingSettings) -> None:
        values = {f"{stage}.{name}": value for name, value in settings.model_dump().items()}
        self._values = {name: value for name, value in values.items() if name not in FREE}

    def state_dict(self) -> dict[str, Any]:
        """All of them by name."""
        return dict(self._values)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raise ValueError if one is not as it was."""
        for name, value in self._values.items():
            if state.get(name, value) != value:
                raise ValueError(f"{name} was {state[name]!r}, and now is {value!r}")


class Resumable:
    """Keeps everything of a training that changes in checkpoints.

    Args:
        checkpoints: where to; None keeps nothing.
        components: all that changes, by name, but for random generators: the global ones, and those
            of components that are a `Stream`, are kept by themselves.
        ranks: the processes of the training, of which the first one writes for all.
        alike: what has to be the same on all ranks, by the name that an error tells.
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None,
        components: Mapping[str, Stateful],
        ranks: Ranks,
        alike: Mapping[str, Stateful],
    ) -> None:
        self._checkpoints = checkpoints
        self._components = dict(components)
        self._ranks = ranks
        self._alike = alike
        self._saved = False
        streams = [part for part in components.values() if isinstance(part, Stream)]
        self._generators = list({id(g): g for s in streams for g in s.generators}.values())

    def restore(self) -> int:
        """Go on from the newest checkpoint; returns the step that it is of, 0 if there is none."""
        saved = self._checkpoints.load() if self._checkpoints else None
        step = 0 if saved is None else self._load(saved)
        self._ranks.check_alike(self._alike)
        return step

    def _load(self, saved: dict[str, Any]) -> int:
        try:
            for name, component in self._components.items():
                component.load_state_dict(saved["components"][name])
            self._ranks.load_state_dict(saved["ranks"])
            # Last, since streams draw their order anew.
            set_random_state(saved["random"], self._generators)
            _log.info("checkpoint: goes on after step %d", saved["step"])
            return int(saved["step"])
        except Exception as error:  # of whatever a file that someone else made holds
            assert self._checkpoints is not None
            raise CheckpointError(
                f"checkpoint: what is in {self._checkpoints.directory} does not fit this training "
                f"({type(error).__name__}: {reason(error)}); restore it, or remove the directory "
                "to begin anew"
            ) from error

    @contextmanager
    def stoppable(self) -> Iterator[StopRequest]:
        """Take Ctrl-C and SIGTERM as a request to stop meanwhile, if there are checkpoints."""
        if self._checkpoints is None:
            yield StopRequest()
        else:
            with stop_on_signals() as request:
                yield request

    def after(self, step: int, is_last: bool, stop: bool) -> None:
        """Keep the state after a step: the first, the last, one to stop at, or if it is time to.

        Raises `StoppedError` if it is to stop. A stop that is asked of one rank stops all.
        """
        if self._checkpoints is None:
            return
        stopped, due = self._ranks.any(stop, self._due(self._checkpoints))
        if stopped or due or is_last:
            self._save(self._checkpoints, step)
        if stopped:
            raise StoppedError(step)

    def _due(self, checkpoints: Checkpoints) -> bool:
        """Whether it is time for a checkpoint, by the clock of the first rank.

        The first step is kept at once, so that there is one from before whatever goes wrong.
        """
        return self._ranks.index == 0 and (not self._saved or checkpoints.due())

    def _save(self, checkpoints: Checkpoints, step: int) -> None:
        start = time.monotonic()
        self._ranks.check_alike(self._alike)
        state = {
            "step": step,
            "components": {
                name: component.state_dict() for name, component in self._components.items()
            },
            "ranks": self._ranks.state_dict(),
            "random": random_state(self._generators),
        }
        with self._ranks.first_alone() as is_first:  # the others wait until it is written
            if is_first:
                checkpoints.save(step, state, since=start)
        self._saved = True
