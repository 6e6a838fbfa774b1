"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from pdas.cli.progress import measures_text


def table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print rows of a label and a value."""
    shown = Table(title=title, title_justify="left", show_header=False)
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column()
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)


def sweep_rows(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a sweep came to: a row for each seed, one for each measure, and the agreement."""
    measures = comparison["measures"]
    rows = [
        (
            f"seed {seed}",
            _sweep_values({name: m["values"][str(seed)] for name, m in measures.items()}),
        )
        for seed in comparison["seeds"]
    ]
    for name, label in (("test_error", "test error, %"), ("psnr", "PSNR, dB"), ("ssim", "SSIM")):
        if name in measures:
            rows.append((label, _mean_and_std(measures[name], 4 if name == "ssim" else 2)))
    if "params" in measures:
        rows.append(("weights", _mean_and_std(measures["params"], 0)))
    agreement = comparison["agreement"]
    if agreement["mean"] is not None:
        chance = f"{agreement['chance']:.2f} by chance"
        rows.append(
            (
                "agreement",
                f"{agreement['mean']:.2f} of the variables, of a pair of seeds ({chance})",
            )
        )
    return rows


def _sweep_values(values: Mapping[str, float]) -> str:
    return f"{measures_text(values)}, {values['params']:,} weights"


def _mean_and_std(measure: Mapping[str, Any], places: int) -> str:
    std = "" if measure["std"] is None else f" ± {measure['std']:,.{places}f}"
    return f"{measure['mean']:,.{places}f}{std}"
