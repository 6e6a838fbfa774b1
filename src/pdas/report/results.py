"""What the retrainings of a run came to, in lines.

Figures are averaged, with a deviation, over retrainings that differ in their seeds only; where
settings differ, each retraining has lines of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan
from statistics import mean, stdev

from pdas.report.quality import Quality, read_qualities
from pdas.report.reader import Summary
from pdas.report.values import is_number

Rows = list[tuple[str, str]]
Results = Sequence[Mapping[str, object]]


def result_rows(summary: Summary) -> Rows:
    """Test error, PSNR and SSIM, and the number of weights; what is not there is left out."""
    named = summary.results
    apart = [(f", {name}", [result]) for name, result in named.items()]
    groups = [("", list(named.values()))] if summary.is_comparable else apart
    same_size = len(set(_numbers(list(named.values()), "params"))) == 1
    rows: Rows = []
    for label, describe in _FIGURES.items():
        whole = label == "weights" and same_size
        for suffix, results in [("", list(named.values()))] if whole else groups:
            if text := describe(results):
                rows.append((label + suffix, text))
    return rows


def _test_error(results: Results) -> str:
    return _amount(_numbers(results, "test_error"), 2, " %")


def _psnr(results: Results) -> str:
    return _amount(_numbers(results, "psnr"), 2, " dB", _beside(results, lambda q: q.psnr, 2))


def _ssim(results: Results) -> str:
    return _amount(_numbers(results, "ssim"), 3, "", _beside(results, lambda q: q.ssim, 3))


def _weights(results: Results) -> str:
    """A number of weights as "3.20 M" or "96.4 k"."""
    if not (numbers := _numbers(results, "params")):
        return ""
    weights = mean(numbers)
    return f"{weights / 1e6:.2f} M" if weights >= 1e6 else f"{weights / 1e3:.1f} k"


_FIGURES: dict[str, Callable[[Results], str]] = {
    "test error": _test_error,
    "PSNR": _psnr,
    "SSIM": _ssim,
    "weights": _weights,
}


def _amount(values: Sequence[float], places: int, unit: str, beside: str = "") -> str:
    """A mean, with the deviation if there are several values, and in brackets what goes with it."""
    if not values:
        return ""
    text, notes = f"{mean(values):.{places}f}", []
    if len(values) > 1:
        deviation = stdev(values) if all(map(isfinite, values)) else nan
        text += f" ± {deviation:.{places}f}"
        notes.append(f"{len(values)} retrainings")
    if beside:
        notes.append(beside)
    return f"{text}{unit} ({'; '.join(notes)})" if notes else f"{text}{unit}"


def _beside(results: Results, figure: Callable[[Quality], float], places: int) -> str:
    """The yardsticks, which have the same test images in every retraining."""
    qualities = next(filter(None, map(read_qualities, results)), None)
    yardsticks = {} if qualities is None else qualities.yardsticks
    return ", ".join(f"{name} {figure(quality):.{places}f}" for name, quality in yardsticks.items())


def _numbers(results: Results, key: str) -> list[float]:
    return [value for value in (result.get(key) for result in results) if is_number(value)]
