"""A comparison in rows and sentences, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from statistics import mean

from pdas.comparing.image_scores import image_difference
from pdas.comparing.results import Comparison, Result
from pdas.comparing.rows import PLAIN
from pdas.support.errors import RunError


def headings(done: Comparison) -> list[str]:
    """The heads of the columns of `row_texts`.

    Args:
        done: the comparison.
    """
    metric = done.metric
    unit = f", {metric.unit}" if metric.unit else ""
    heads = [
        "method",
        "form",
        "passes",
        "seconds",
        "trials",
        "weights",
        "runs",
        metric.heading,
        f"to {done.reference}{unit}",
    ]
    return [*heads, "quoted"] if _is_quoted(done) else heads


def row_texts(done: Comparison, row: Result) -> list[str]:
    """A row in the order of `headings`.

    Args:
        done: the comparison.
        row: one of its rows.
    """
    texts = [
        row.name,
        row.asked.form,
        f"{row.asked.passes:,.0f}",
        f"{mean(row.seconds):,.0f}" if row.seconds else "",
        f"{row.trials:,.0f}",
        weights_text(done, row),
        f"{len(row.values)} of {len(row.asked.seeds)}",
        value_text(done, row),
        "" if row.difference is None else row.difference.text(),
    ]
    quoted = "" if row.quoted is None else row.quoted.value
    return [*texts, quoted] if _is_quoted(done) else texts


def value_text(done: Comparison, row: Result) -> str:
    """The mean of a row with its standard deviation.

    Args:
        done: the comparison.
        row: one of its rows.
    """
    if row.mean is None:
        return "none"
    number = done.metric.number
    return number(row.mean) if row.std is None else f"{number(row.mean)} ± {number(row.std)}"


def weights_text(done: Comparison, row: Result) -> str:
    """The mean number of weights, and whether it is above the limit of the recipe.

    Args:
        done: the comparison.
        row: one of its rows.
    """
    if not row.params:
        return ""
    limit, most = done.weight_limit, max(row.params)
    over = limit is not None and most > limit
    return f"{mean(row.params):,.0f}" + (f", over the limit of {limit:,}" if over else "")


def sentences(done: Comparison) -> list[str]:
    """What is settled and what is not, and how to read the table.

    Args:
        done: the comparison.
    """
    others = [row for row in done.rows if row.name != done.reference]
    settled = [
        f"{_named(rows)} {word}"
        for better, word in ((True, "better"), (False, "worse"))
        if (rows := [row for row in others if _is_better(row) is better])
    ]
    open_ = [row.name for row in others if _is_better(row) is None]
    said = [f"Settled: {' and '.join(settled)} than {done.reference}."] if settled else []
    said += [f"Not settled: {', '.join(open_)} against {done.reference}."] if open_ else []
    nothing = f"There is nothing to compare {done.reference} with."
    return [" ".join(said) or nothing, *_untold(done), *_notes(done)]


def _untold(done: Comparison) -> list[str]:
    """The differences that are settled over the seeds, but not over the test images."""
    reference = next(row for row in done.rows if row.name == done.reference)
    said = []
    for row in done.rows:
        with suppress(RunError, ValueError):  # of scores that are missing, or of other images
            if _is_better(row) is None:
                continue
            seeds = row.values.keys() & reference.values.keys()
            both = ([done.retraining(each, s) for s in sorted(seeds)] for each in (row, reference))
            found = image_difference(done.metric, *both)
            if not found.is_told:
                said.append(
                    f"The test set is small: {found.images:,} images tell differences of "
                    f"{done.metric.text(found.least)} or more, and that of {row.name} is "
                    f"{done.metric.text(abs(found.mean))}; test on more."
                )
    return said


def _notes(done: Comparison) -> list[str]:
    notes = [
        f"A difference is that of the method to {done.reference}, paired by seed, with Student's "
        "interval of 95 %; it is settled where the interval is without 0. Of twenty such intervals "
        "one misses the true difference on average."
    ]
    equal = "Every search may cost the same number of training passes"
    lengths = {
        "equal": equal,
        "published": "Every search has its published length, where one is known",
    }
    cost = "a forward pass alone counts a third; seconds are measured, several runs at a time"
    notes.append(f"{lengths.get(done.record.budget, 'The budget is not known')}; {cost}.")
    if any(row.name.startswith(PLAIN) for row in done.rows):
        notes.append(
            "A plain network is not searched; it is trained as the found ones are, without drop "
            "path and auxiliary loss, and its weights are not limited."
        )
    if _is_quoted(done):
        source = next(row.quoted.source for row in done.rows if row.quoted is not None)
        notes.append(
            f"Quoted figures are of {source}: other data, spaces and trainings, not measured here."
        )
    return notes


def _is_better(row: Result) -> bool | None:
    return None if row.difference is None else row.difference.is_better


def _named(rows: Sequence[Result]) -> str:
    return f"{', '.join(row.name for row in rows)} {'is' if len(rows) == 1 else 'are'}"


def _is_quoted(done: Comparison) -> bool:
    return any(row.quoted is not None for row in done.rows)
