"""The answer in plain words: what was found, how sure that is, whether it is worth it."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, log10
from xml.etree.ElementTree import Element

from pdas.report.advice import next_step
from pdas.report.describe import architecture_rows, method
from pdas.report.html.elements import add_text
from pdas.report.parts.controls import control_rows
from pdas.report.parts.finalists import FILE as FINALISTS
from pdas.report.reader import NamedTheta, Summary
from pdas.report.results import result_rows
from pdas.report.values import duration
from pdas.space.decided import NOTHING_LEARNED
from pdas.support.metrics import is_number
from pdas.tasks.results import well_known_of


def add_answer(body: Element, summary: Summary, theta: NamedTheta | None) -> None:
    """Add the answer as a paragraph.

    Args:
        body: of the page.
        summary: of the run.
        theta: of its search; None where there is none.
    """
    add_text(body, "p", " ".join(answer(summary, theta))).set("class", "answer")


def answer(summary: Summary, theta: NamedTheta | None) -> Iterator[str]:
    """The answer, sentence by sentence.

    Args:
        summary: of the run.
        theta: of its search; None where there is none.
    """
    yield _found(summary, theta)
    if summary.nothing_learned:
        yield f"It is not to be relied on: {NOTHING_LEARNED}."
    elif is_number(decided := summary.search.get("decided")) and isfinite(decided):
        yield f"The search is as sure of it as {decided * 100:.0f} % of what is possible."
    if theta is not None and (others := theta.other_labels(summary.architecture)):
        yield (
            f"Theta itself prefers another label in {others} of {len(theta.names)} variables; "
            f"the found one is {_why(summary)}."
        )
    if judged := next(iter(result_rows(summary)), None):
        label, value = judged
        yield f"Trained anew, the {label} of the network is {value}."
    for label, text in control_rows(summary):
        yield f"Is it {label}? {text[0].upper()}{text[1:]}."
    if summary.results and (known := well_known_of(summary.recipe)):
        yield _plain(summary, known)
    yield f"Next: {next_step(summary)}."


def _found(summary: Summary, theta: NamedTheta | None) -> str:
    """What was found, in how long, out of how many."""
    if not summary.architecture:
        return "Nothing is found yet: the search did not finish."
    rows = architecture_rows(summary.architecture)
    chosen = "; ".join(text if len(rows) == 1 else f"{label}: {text}" for label, text in rows)
    seconds, steps = summary.search.get("seconds"), summary.search.get("steps")
    if not (is_number(seconds) and is_number(steps) and steps):
        return f"The architecture was not searched here ({method(summary)}): {chosen}."
    many = "" if theta is None else f" of {_size(theta)} architectures"
    return (
        f"In {duration(seconds)} and {steps:,} steps, {method(summary)} chose one{many}: {chosen}."
    )


def _why(summary: Summary) -> str:
    """Why the found architecture is another than theta prefers."""
    if summary.run.has(FINALISTS):
        return "the best of the finalists"
    return "what the method took for the best, as within a limit"


def _size(theta: NamedTheta) -> str:
    """The number of architectures, as 1,024 or 3.1e+15."""
    digits = sum(log10(size) for size in theta.history.sizes)
    if digits < 6:
        return f"{round(10**digits):,}"
    return f"{10 ** (digits % 1):.1f}e+{int(digits)}"


def _plain(summary: Summary, known: str) -> str:
    """How a well-known network would compare, which only a comparison asks."""
    command = f"pdas compare {summary.recipe.get('name')} --methods pdas,random,plain:{known}"
    return f"Is it better than a plain network? Not asked; `{command}` asks."
