"""What every search method must do: what `pdas.methods.base.SearchMethod` promises, as tests."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pdas.methods.base import SearchMethod
from pdas.resume.checkpoint import Checkpoints
from pdas.searches.search import search
from pdas.training.loop import Progress
from pdas.training.measures import Loss

STEPS = 12  # of the paper's search; a method has as many steps of its own as these pay for


@dataclass(frozen=True)
class MethodCase:
    """A method to test, and what it searches. A new one for every test: tests change it.

    Attributes:
        method: makes the method for the network.
        net: a small supernet.
        loss: `loss(model, batch)`.
        data: a data set of at least 40 examples.
        settings: of `pdas.search`, by name; the length is the tests' own.

    Example:
        MethodCase(lambda net: Mixture(), MixedNet(), loss, data)
    """

    method: Callable[[nn.Module], SearchMethod]
    net: nn.Module
    loss: Loss
    data: Any
    settings: dict[str, Any] = field(default_factory=dict)

    def searched(self, **options: Any) -> Any:
        """The result of a short search; the same every time."""
        torch.manual_seed(0)
        return search(
            self.net,
            self.loss,
            self.data,
            method=self.method(self.net),
            preset="paper",
            steps=STEPS,
            batch_size=10,
            **self.settings | options,
        )


class MethodTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give one fixture.

    `case`: makes a `MethodCase`, with fresh weights that are the same every time.

    Example:
        class TestMixture(MethodTests):
            @pytest.fixture
            def case(self):
                return make_case  # a function without arguments
    """

    def test_it_finds_an_architecture_of_the_space(self, case: Callable[[], MethodCase]) -> None:
        made = case()
        result = made.searched()
        assert result.architecture.space == made.net.space

    def test_what_it_measures_are_numbers_in_the_progress(
        self, case: Callable[[], MethodCase]
    ) -> None:
        told: list[Progress] = []
        result = case().searched(on_step=told.append)
        assert [progress.step for progress in told] == list(range(1, told[0].steps + 1))
        loss = "loss" if result.method.trains_weights else "theta_loss"
        assert loss in told[-1].measures
        assert all(isinstance(value, float) for value in told[-1].measures.values())
        assert dict(result.method.measures()).items() <= told[-1].measures.items()

    def test_finalists_are_different_and_the_best_is_first(
        self, case: Callable[[], MethodCase]
    ) -> None:
        method = case().searched().method
        finalists = method.finalists(3)
        assert finalists[0] == method.best()
        assert 1 <= len(set(finalists)) == len(finalists) <= 3

    def test_the_same_seed_is_the_same_search(self, case: Callable[[], MethodCase]) -> None:
        assert _outcome(case(), {}) == _outcome(case(), {})

    def test_a_search_that_is_stopped_ends_as_if_it_had_not_been(
        self, case: Callable[[], MethodCase], tmp_path: Path
    ) -> None:
        def stop(progress: Progress) -> None:
            if progress.step == progress.steps // 2:
                signal.raise_signal(signal.SIGINT)

        kept = {"checkpoints": Checkpoints(tmp_path)}
        stopped = case().searched(on_step=stop, **kept)
        last = stopped.history[-1]
        assert (stopped.stopped, last.step) == ("interrupted", last.steps // 2)
        assert _outcome(case(), kept) == _outcome(case(), {})


def _outcome(case: MethodCase, options: dict[str, Any]) -> tuple[Any, ...]:
    result = case.searched(**options)
    rows = [
        (p.step, {k: v for k, v in p.measures.items() if not math.isnan(v)}) for p in result.history
    ]
    weights = [weight.tolist() for weight in case.net.parameters()]
    return result.architecture, rows, weights
