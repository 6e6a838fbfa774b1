"""Controls: random architectures of the same space, retrained as the found one was.

A control is a run of its own, in `control-<k>/` of the run that it is for. The method "random"
draws its architecture by a seed of its own; all other settings, the images and their split are the
same. It is resumed as any run is, and a finished one is not run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from pdas import recipes
from pdas.distributed.launch import rank
from pdas.experiment.against_random import AgainstRandom
from pdas.runs.reading import names_in
from pdas.runs.run import Run
from pdas.support.errors import PdasError, SettingError
from pdas.support.metrics import is_number
from pdas.support.refusals import check_integer, refuse
from pdas.support.settings import LARGEST_SEED
from pdas.tasks.recipe import as_recipe
from pdas.tasks.results import metrics_of

if TYPE_CHECKING:
    from pdas.experiment.experiment import Experiment
    from pdas.training.loop import OnStep

FILE = "control.json"  # of a run: how the found architecture compares with its controls
MOST = 999  # controls of a run, so that runs of different seeds have no control in common


@dataclass(frozen=True)
class Control:
    """A random architecture that is retrained, to compare the found one of a run with it.

    Attributes:
        experiment: that of the run, with the method "random" and a seed of its own.
        path: of the directory, within that of the run.

    Example:
        for control in controls(experiment, run, 3):
            control.train()
        write_comparison(run)
    """

    experiment: Experiment
    path: Path

    def train(self, on_step: OnStep = lambda progress: None) -> None:
        """Draw and retrain the architecture, or do what is left of that.

        Args:
            on_step: as of `pdas.search`.

        Raises:
            PdasError: see `Experiment`.
        """
        drawn = self.experiment.search(self.path, resume=True)
        self.experiment.retrain(drawn, on_step, resume=True)


def controls(experiment: Experiment, run: Run, count: int) -> list[Control]:
    """The first controls of a run, finished or not.

    Args:
        experiment: of the run.
        run: its directory.
        count: how many.

    Raises:
        RunError: a link takes the place of a control.
    """
    recipe = recipes.change(experiment.recipe, ["search.method=random"])
    return [
        Control(
            replace(experiment, recipe=recipe, seed=control_seed(experiment.seed, number)),
            run.inner(f"control-{number}"),
        )
        for number in range(1, count + 1)
    ]


def check_count(count: object) -> None:
    """Check a number of controls.

    Raises:
        SettingError: it is none from 0 to `MOST`.
    """
    check_integer("control", count, 0)
    assert isinstance(count, int)
    if count > MOST:
        refuse(SettingError, "control", found=str(count), expected=f"at most {MOST}")


def control_seed(seed: int, number: int) -> int:
    """The seed of a control.

    Args:
        seed: of the run.
        number: of the control, from 1 to `MOST`.
    """
    return (1000 * (seed + 1) + number) % (LARGEST_SEED + 1)


def finished_controls(run: Run) -> list[Run]:
    """The retrainings of random architectures of a run, one of each control, in their order.

    Raises:
        RunError: a link takes the place of a control.
    """
    begun = [name for name in names_in(run.path) if name.startswith("control-")]
    names = [name for name in begun if run.has(f"{name}/config.yaml")]
    ordered = [Run(run.inner(name)) for name in sorted(names, key=lambda n: (len(n), n))]
    return [retrained for control in ordered for retrained in control.retrainings()[:1]]


def compare_with_controls(run: Run) -> AgainstRandom | None:
    """The found architecture of a run against its finished controls.

    The first metric of the task that has a better direction decides. Retrainings with other
    settings than those of the controls are left out.

    Returns:
        The comparison; None if there is nothing to compare.

    Raises:
        RunError: a file is damaged.
    """
    drawn = finished_controls(run)
    if not drawn:
        return None
    conditions = _conditions(drawn[0])
    found, drawn = (
        [each for each in some if _conditions(each) == conditions]
        for some in (run.retrainings(), drawn)
    )
    for metric in metrics_of(run.raw_config()["recipe"]):
        values = [_values(run, some, metric.key) for some in (found, drawn)]
        if metric.better and all(values):
            return AgainstRandom(metric, *values)
    return None


def write_comparison(run: Run) -> None:
    """Write `control.json`, if there is something to compare. Of several ranks the first writes.

    Raises:
        RunError: it cannot be written, or a file is damaged.
    """
    if rank() == 0 and (compared := compare_with_controls(run)):
        run.write_json(FILE, compared.to_json())


def _conditions(retraining: Run) -> Mapping[str, object]:
    """The settings of a retraining, without how its architecture was found."""
    recipe = _without_search(retraining.raw_config()["recipe"])
    with suppress(PdasError):  # of another version: compared as it was written
        recipe = _without_search(as_recipe(recipe).model_dump(mode="json"))
    return recipe


def _without_search(recipe: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in recipe.items() if name != "search"}


def _values(run: Run, retrainings: Iterable[Run], key: str) -> dict[str, float]:
    """A measure by the name of a directory of the run, as "retrain-0" or "control-1"."""
    names = {each.path.relative_to(run.path).parts[0]: each for each in retrainings}
    values = {name: each.read_json("result.json").get(key) for name, each in names.items()}
    return {name: value for name, value in values.items() if is_number(value) and isfinite(value)}
