"""How far the architectures of several runs are the same, variable by variable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from xml.etree.ElementTree import Element

from pdas.report.html.elements import add, add_table
from pdas.report.several.column import MOST, Column
from pdas.report.several.figures import add_rest
from pdas.support.errors import PdasError
from pdas.tasks.loading import recipe_space
from pdas.tasks.recipe import as_recipe

MOST_ROWS = 200


@dataclass(frozen=True)
class Agreement:
    """What several architectures have in common.

    Attributes:
        columns: the runs with an architecture.
        rows: each variable, the share of the runs that have its most common label, and the label in
            each run, "" where it has no such variable; those that agree most first.
        mean: the share of the variables in which two of the runs agree, the mean over all pairs.
        chance: what two uniform draws would have; None where the space is not known.

    Example:
        agreement(columns).mean
    """

    columns: Sequence[Column]
    rows: Sequence[tuple[str, float, Sequence[str]]]
    mean: float
    chance: float | None

    @property
    def beyond_chance(self) -> float | None:
        """0 where the runs agree as draws would, 1 where they are the same; None if unknown."""
        if self.chance is None or self.chance == 1:
            return None
        return (self.mean - self.chance) / (1 - self.chance)


def agreement(columns: Sequence[Column]) -> Agreement | None:
    """Compare the architectures of several runs.

    Args:
        columns: the runs.

    Returns:
        None where fewer than two have one.
    """
    found = [column for column in columns if column.architecture]
    if len(found) < 2:
        return None
    names = dict.fromkeys(name for column in found for name in column.architecture)
    rows, alike = [], []
    pairs = len(found) * (len(found) - 1)
    for name in names:
        labels = [str(column.architecture.get(name, "")) for column in found]
        counts = Counter(label for label in labels if label)
        rows.append((name, max(counts.values(), default=0) / len(found), labels))
        alike.append(sum(n * (n - 1) for n in counts.values()) / pairs)
    rows.sort(key=lambda row: -row[1])
    return Agreement(found, rows, mean(alike), _chance(found, set(names)))


def agreement_text(found: Agreement) -> str:
    """How far two of the architectures agree, beside two draws; without a full stop.

    Args:
        found: of at least two runs.
    """
    share = f"{found.mean * 100:.0f} %"
    text = f"Two of the architectures agree in {share} of the variables on average"
    if found.chance is None:
        return text
    return f"{text}; two draws would agree in {found.chance * 100:.0f} %"


def add_agreement(body: Element, found: Agreement) -> None:
    """Add a table: each variable, the share of the runs that agree, and the label in each run.

    Args:
        body: of the page.
        found: of at least two runs.
    """
    shown = found.columns[:MOST]
    rows = [
        [name, f"{share * 100:.0f} %", *labels[: len(shown)]]
        for name, share, labels in found.rows[:MOST_ROWS]
    ]
    add_table(body, rows, ["variable", "agree", *(column.name for column in shown)])
    add_rest(body, len(found.columns) - len(shown))
    if (more := len(found.rows) - MOST_ROWS) > 0:
        text = f"{more:,} more variables agree less, and are not shown."
        add(body, "p", text).set("class", "note")


def _chance(columns: Sequence[Column], names: set[str]) -> float | None:
    """The mean of 1/K over the variables, if all runs searched one space that is known."""
    networks = [column.recipe.get("network") for column in columns]
    if any(network != networks[0] for network in networks):
        return None
    try:
        space = recipe_space(as_recipe(columns[0].recipe))
    except PdasError:
        return None
    return float((1 / space.sizes).mean()) if set(space.names) == names else None
