"""The posterior: what theta says of each variable, and its most probable architectures."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from xml.etree.ElementTree import Element

import numpy as np

from pdas.report.html.elements import add, add_folded, add_table
from pdas.report.reader import NamedTheta
from pdas.space.most_probable import most_probable
from pdas.support.arrays import FloatArray

MOST_ROWS = 200  # variables in a table
TOP = 10  # architectures
_NAMED = 4  # differences of an architecture, in words
_HEADINGS = ("variable", "chosen", "probability", "runner-up", "probability", "entropy")


def add_posterior(body: Element, theta: NamedTheta, architecture: Mapping[str, object]) -> None:
    """Add a table of the variables, and one of the most probable architectures.

    Args:
        body: of the page.
        theta: at its end.
        architecture: what was found, by label; empty asks for the most probable.
    """
    chosen = _chosen(theta, architecture)
    add(body, "h2", "What theta says")
    note = (
        "Each variable with its chosen label and the most probable other one. Entropy is a share "
        "of that of a uniform choice: 1 knows nothing, 0 is certain."
    )
    add(body, "p", note).set("class", "note")
    rows, left_out = _variable_rows(theta, chosen)
    if left_out:
        text = f"The {len(rows)} variables of the largest entropy; {left_out:,} more are surer."
        add(body, "p", text).set("class", "note")
    folded = add_folded(body, f"{len(rows)} variables", is_open=len(rows) <= 40)
    add_table(folded, rows, _HEADINGS)
    add(body, "h3", f"The {TOP} most probable architectures")
    headings = ("rank", "probability", "other choices than the found one")
    add_table(body, _architecture_rows(theta, chosen), headings)


def _chosen(theta: NamedTheta, architecture: Mapping[str, object]) -> list[int]:
    """The category of each variable that was chosen; the most probable where that is not known."""
    found = []
    for name, labels, p in zip(theta.names, theta.labels, theta.last, strict=True):
        label = str(architecture.get(name))
        found.append(labels.index(label) if label in labels else int(p.argmax()))
    return found


def _variable_rows(theta: NamedTheta, chosen: list[int]) -> tuple[list[tuple[str, ...]], int]:
    """The rows, in the order of the variables, and how many were left out."""
    parts = theta.last
    entropies = [_entropy(p) for p in parts]
    free = [i for i, p in enumerate(parts) if len(p) > 1]
    shown = sorted(sorted(free, key=lambda i: -entropies[i])[:MOST_ROWS])
    rows: list[tuple[str, ...]] = []
    for i in shown:
        p, labels = parts[i], theta.labels[i]
        second = max((j for j in range(len(p)) if j != chosen[i]), key=lambda j: p[j])
        words = (theta.names[i], labels[chosen[i]], f"{p[chosen[i]]:.3f}")
        rows.append((*words, labels[second], f"{p[second]:.3f}", f"{entropies[i]:.2f}"))
    return rows, len(free) - len(shown)


def _entropy(p: FloatArray) -> float:
    """-sum p ln p / ln K."""
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(len(p))) if len(p) > 1 else 0.0


def _architecture_rows(theta: NamedTheta, chosen: list[int]) -> list[tuple[str, str, str]]:
    found = islice(most_probable(theta.history.theta[-1], theta.history.sizes), TOP)
    return [
        (str(rank), f"{p:.3g}", _differences(theta, chosen, indices.tolist()))
        for rank, (indices, p) in enumerate(found, start=1)
    ]


def _differences(theta: NamedTheta, chosen: list[int], other: list[int]) -> str:
    """The choices of an architecture that the found one does not have."""
    differing = [
        f"{theta.names[i]} = {theta.labels[i][there]}"
        for i, (here, there) in enumerate(zip(chosen, other, strict=True))
        if here != there
    ]
    if not differing:
        return "none: it is the found one"
    text = ", ".join(differing[:_NAMED])
    more = len(differing) - _NAMED
    return text if more <= 0 else f"{text} and {more} more"
