"""The rows of a comparison. By its name each has a recipe of its own.

The recipes of all rows are the same but for how the architecture is chosen: data, network,
retraining, weight limit and the length of the search are those of the user's recipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdas import recipes
from pdas.methods.components import METHODS, MethodSettings
from pdas.methods.settings import without_unused
from pdas.support.errors import SettingError
from pdas.support.refusals import check_one_of, refuse
from pdas.tasks.base import TASKS
from pdas.tasks.recipe import Recipe, as_recipe

ALL = "all"
OURS = "pdas"
PAPER = "pdas-paper"
PLAIN = "plain:"
PRETRAINED = ":pretrained"

BUDGETS = ("equal", "published")

CHOOSING = (
    "method",
    "samples",
    "warmup",
    "theta_samples",
    "theta_mode",
    "train_weights",
    "resample",
    "finalists",
    "finalists_share",
    "finalists_epochs",
    "patience",
    "stop_when_decided",
)
"""The settings of a search that say how it chooses; each row has its own."""


@dataclass(frozen=True)
class Row:
    """A method of a comparison.

    Attributes:
        name: as the user writes it.
        form: how the method here relates to its publication.
        recipe: of its runs.

    Example:
        row("enas", recipes.load("digits"), "equal").recipe.search.method
    """

    name: str
    form: str
    recipe: Recipe

    @property
    def directory(self) -> str:
        """The name of its directory within that of the comparison."""
        return directory_of(self.name)


def directory_of(name: str) -> str:
    """The name of the directory of a row.

    Args:
        name: of the row.
    """
    return name.replace(":", "-").replace("/", "-")


def row(name: str, recipe: Recipe, budget: str) -> Row:
    """The row of a name.

    Args:
        name: a registered method, "pdas-paper", or "plain:NAME", with ":pretrained" behind it for
            published weights.
        recipe: of the comparison.
        budget: one of `BUDGETS`.

    Raises:
        SettingError: the name is unknown, or the task of the recipe knows no such network.
    """
    check_one_of("--budget", budget, BUDGETS)
    if name.startswith(PLAIN):
        network = name.removeprefix(PLAIN)
        pretrained = network.endswith(PRETRAINED)
        drawn = _choosing_by(recipe, {"method": {"name": "random"}})
        plain = TASKS[recipe.task].plain(drawn, network.removesuffix(PRETRAINED), pretrained)
        return Row(name, "plain network", plain)
    values = _ours() if name == OURS else {"method": {"name": OURS if name == PAPER else name}}
    changed = _choosing_by(recipe, values)
    method = changed.search.method
    if budget == "published":
        changed = recipes.change(changed, recipes.as_changes(method.published))
    return Row(name, _form(name, method, budget), changed)


def every_name() -> list[str]:
    """The names of all rows with a search, those of PDAS first."""
    return [OURS, PAPER, *(name for name in METHODS.names() if name != OURS)]


def names_of(text: str | Sequence[str]) -> list[str]:
    """The names of rows in an option, each once.

    Args:
        text: names with commas between them, or several names.

    Raises:
        SettingError: there are none, or one is no registered method.
    """
    words = text.split(",") if isinstance(text, str) else text
    names = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not names:
        refuse(
            SettingError,
            "--methods",
            found=repr(text),
            expected=f"some of {', '.join(METHODS.names())}, {PAPER}, {PLAIN}NAME, {ALL}",
            remedy="as pdas,random",
        )
    for name in names:
        if name not in (ALL, PAPER) and not name.startswith(PLAIN):
            check_one_of("--methods", name, METHODS.names(), f"or {PAPER}, {PLAIN}NAME, {ALL}")
    return names


def check_changes(changes: Sequence[str]) -> None:
    """Refuse changes of settings that each row has for itself.

    Args:
        changes: of the form `key=value`.

    Raises:
        SettingError: there is one.
    """
    for change in changes:
        group, _, rest = change.partition("=")[0].partition(".")
        if group == "search" and rest.partition(".")[0] in CHOOSING:
            refuse(
                SettingError,
                f"--set {group}.{rest}",
                found="a setting that each method has for itself",
                expected="one that is the same for all methods",
                remedy="leave it out",
            )


def _ours() -> Mapping[str, Any]:
    """The default of this project without its optimizer of weights, which all rows share."""
    from pdas.searches.presets import PRESETS  # needs torch

    return {name: value for name, value in PRESETS["default"].items() if name != "optimizer"}


def _form(name: str, method: MethodSettings, budget: str) -> str:
    if name == OURS:
        return "own default"
    if method.form == "reduced" and method.published and budget == "published":
        return "published length"
    return method.form


def _choosing_by(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with these settings of how the search chooses, and no others."""
    settings = recipe.model_dump()
    kept = {name: each for name, each in settings["search"].items() if name not in CHOOSING}
    return as_recipe(settings | {"search": without_unused({**kept, **values})})
