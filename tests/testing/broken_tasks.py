"""Tasks with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

import itertools
from typing import Any, Literal

import pytest
from pydantic import Field

from pdas.space import Architecture
from pdas.support.errors import SettingError
from pdas.support.metrics import Metric
from pdas.tasks.base import TASKS
from pdas.testing import TaskCase, TaskTests
from tests.strangers.counting import MISCOUNT, Counting, CountingRecipe
from tests.strangers.counting_task import CountingTask


class Counted(CountingTask):
    """A task without a defect; a subclass may have a recipe and metrics of its own."""

    kind_of_recipe: Any = CountingRecipe
    metrics: tuple[Metric, ...] = (MISCOUNT,)


class ForgetfulRecipe(CountingRecipe):
    task: Literal["forgetful"] = "forgetful"  # type: ignore[assignment]
    description: str = Field("forgotten", exclude=True)


class ForgetsItsDescription(Counted):
    """test_a_recipe_is_read_back"""

    kind_of_recipe = ForgetfulRecipe


class ShufflesAnew(Counted):
    """test_batches_are_the_same_for_a_seed_and_halves_differ"""

    _seeds = itertools.count()

    def search_batches(self, seed: int) -> Any:
        return super().search_batches(next(self._seeds))


class LosesTheGradient(Counted):
    """test_the_loss_of_a_search_trains_the_supernet"""

    def loss(self, model: Any, batch: Any) -> Any:
        return {name: value.detach() for name, value in super().loss(model, batch).items()}


class MeasuresNothing(Counted):
    """test_what_is_found_is_retrained_and_evaluated"""

    def evaluate(self, network: Any, retrained: Any) -> dict[str, Any]:
        return {}


class TestsOnOtherImages(Counted):
    """test_the_images_of_training_and_test_are_apart"""

    __test__ = False

    @property
    def test_images(self) -> Any:
        return []


class RepeatsAMetric(Counted):
    """test_metrics_have_names_of_their_own"""

    metrics = (MISCOUNT, MISCOUNT)


class RefusesAll(Counted):
    """test_whether_it_can_be_retrained_is_known_before"""

    def check_retraining(self, architecture: Architecture | None) -> None:
        raise SettingError("retrain: found all, expected none; remove all")


def kind_of(task: type[Counted]) -> Counting:
    """The kind of a task with a defect."""

    class Broken(Counting):
        recipe = task.kind_of_recipe
        metrics = task.metrics

        def open(self, recipe: Any, data_dir: Any, device: Any, download: bool = True) -> Any:
            return task(recipe, super().open(recipe, data_dir, device).data)

    return Broken()


class TestBroken(TaskTests):
    @pytest.fixture(params=Counted.__subclasses__(), ids=lambda kind: kind.__name__)
    def case(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TaskCase:
        task = request.param
        recipe = task.kind_of_recipe(name="broken", **_changed(task))
        monkeypatch.setitem(TASKS._found, recipe.task, kind_of(task))
        return TaskCase(recipe)


def _changed(task: type[Counted]) -> dict[str, str]:
    return {"description": "counts blobs"} if task is ForgetsItsDescription else {}
