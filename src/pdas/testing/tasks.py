"""What every task must do: what `pdas.tasks.base` promises, as tests."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pdas.runs.run import Run
from pdas.support.metrics import is_number
from pdas.tasks.base import TASKS, OpenedTask
from pdas.tasks.recipe import Recipe, as_recipe


@dataclass(frozen=True)
class TaskCase:
    """A task to test, by a recipe of it.

    Attributes:
        recipe: of small networks and few images, so that tests are fast.
        data_dir: where its images are, if it needs that.

    Example:
        TaskCase(CountingRecipe(name="counting"))
    """

    recipe: Recipe
    data_dir: Path | None = None

    def opened(self) -> OpenedTask:
        """The task with its data, on the CPU."""
        kind = TASKS[self.recipe.task]
        return kind.open(self.recipe, self.data_dir, torch.device("cpu"))


class TaskTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give one fixture.

    `case`: a `TaskCase`.

    Example:
        class TestCounting(TaskTests):
            @pytest.fixture
            def case(self):
                return TaskCase(CountingRecipe(name="counting"))
    """

    def test_a_recipe_is_read_back(self, case: TaskCase) -> None:
        assert as_recipe(case.recipe.model_dump(mode="json")) == case.recipe

    def test_batches_are_the_same_for_a_seed_and_halves_differ(self, case: TaskCase) -> None:
        task = case.opened()
        one, other = (task.search_batches(3) for _ in range(2))
        for half in (0, 1):
            for a, b in islice(zip(one[half], other[half], strict=True), 2):
                assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
        assert len(one[0]) > 0 and len(one[1]) > 0

    def test_the_loss_of_a_search_trains_the_supernet(self, case: TaskCase) -> None:
        task = case.opened()
        torch.manual_seed(0)
        net = task.supernet()
        architecture = task.space.uniform(np.random.default_rng(0))
        batch = next(iter(task.search_batches(0)[0]))
        measures = task.loss(lambda x: net(x, architecture), batch)
        loss = measures["loss"]
        assert isinstance(loss, Tensor) and loss.numel() == 1
        loss.backward()  # type: ignore[no-untyped-call]
        assert any(weight.grad is not None for weight in net.parameters())
        assert all(isinstance(value, Tensor) or is_number(value) for value in measures.values())

    def test_what_is_found_is_retrained_and_evaluated(self, case: TaskCase, tmp_path: Path) -> None:
        task = case.opened()
        architecture = task.space.uniform(np.random.default_rng(0))
        task.check_retraining(architecture)
        torch.manual_seed(0)
        training = task.retraining(architecture, 0)
        assert training.about["params"] > 0
        training.module.before_epoch(0.0)
        measures = training.module(next(iter(training.batches)))
        measures["loss"].backward()
        found = task.evaluate(training.module.finished(), Run(tmp_path))
        described = {metric.key for metric in TASKS[case.recipe.task].metrics}
        assert any(is_number(value) for key, value in found.items() if key in described)

    def test_the_images_of_training_and_test_are_apart(self, case: TaskCase) -> None:
        task = case.opened()
        assert len(task.training_images) > 0 and len(task.test_images) > 0
        assert task.test_images.fingerprint() == case.opened().test_images.fingerprint()

    def test_metrics_have_names_of_their_own(self, case: TaskCase) -> None:
        metrics: Any = TASKS[case.recipe.task].metrics
        keys = [metric.key for metric in metrics]
        assert len(keys) == len(set(keys)) > 0
        for metric in metrics:
            assert metric.label and isinstance(metric.text(0.5), str)

    @pytest.mark.parametrize("architecture", [None, "drawn"])
    def test_whether_it_can_be_retrained_is_known_before(
        self, case: TaskCase, architecture: str | None
    ) -> None:
        task = case.opened()
        drawn = task.space.uniform(np.random.default_rng(0))
        task.check_retraining(None if architecture is None else drawn)
