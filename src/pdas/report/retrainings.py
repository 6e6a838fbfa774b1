"""The part of the page about the retrained networks: their figures and the images they restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from pdas.report.html import add, add_picture, add_table
from pdas.report.quality import Quality, read_qualities
from pdas.report.reader import Summary
from pdas.report.samples import draw_samples
from pdas.report.values import flattened, value_text

_FEW = 10  # classes that are shown without being asked for
_HEADINGS = {"test_error": "test error, %", "params": "weights", "psnr": "PSNR, dB", "ssim": "SSIM"}
_ELSEWHERE = ("psnr_std", "ssim_std", "chain")  # on the page
_QUALITY = ("PSNR, dB", "± over images", "SSIM", "± over images")


def add_retrainings(body: Element, summary: Summary) -> None:
    """A row for each retraining, a column for each plain value in some `result.json`.

    Settings that differ are columns too. Of inpainting, below the table, the quality of the
    restored images and some of them.
    """
    results = summary.results
    if not results:
        return
    columns = _plain(list(results.values()))
    settings = {name: flattened(recipe) for name, recipe in summary.recipes.items()}
    differing = _differing([flat for flat in settings.values() if flat])
    rows = [
        (
            name,
            *(value_text(result.get(key)) for key in columns),
            *(settings[name].get(key, "unknown") for key in differing),
        )
        for name, result in results.items()
    ]
    add(body, "h2", "Retrained networks")
    add_table(body, rows, ["", *map(_heading, columns), *differing])
    for name, result in results.items():
        _add_restoration(body, summary, name, result)


def _plain(results: Sequence[Mapping[str, object]]) -> list[str]:
    """The keys in some result whose values fit into a column."""
    keys = dict.fromkeys(key for result in results for key in result if key not in _ELSEWHERE)
    return [
        key
        for key in keys
        if not any(isinstance(result.get(key), Mapping | list) for result in results)
    ]


def _differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """The settings that are not the same everywhere."""
    keys = dict.fromkeys(key for flat in settings for key in flat)
    return [key for key in keys if len({flat.get(key) for flat in settings}) > 1]


def _add_restoration(
    body: Element, summary: Summary, name: str, result: Mapping[str, object]
) -> None:
    """The images that a retrained network has restored, in numbers and as a sheet."""
    qualities = read_qualities(result)
    directory = summary.run.path / name
    has_samples = (directory / "restored.npz").exists()
    if qualities is not None or has_samples:
        add(body, "h3", f"Test images of {name}")
    if qualities is not None:
        _add_qualities(body, {"network": qualities.network, **qualities.yardsticks})
        if qualities.by_class:
            details = SubElement(body, "details")
            if len(qualities.by_class) <= _FEW:
                details.set("open", "open")
            add(details, "summary", "The network by class")
            _add_qualities(details, qualities.by_class)
    if has_samples:
        description = "Test images restored best, of the median, and worst"
        add_picture(body, draw_samples(directory), description)


def _add_qualities(parent: Element, qualities: Mapping[str, Quality]) -> None:
    rows = [
        (name, f"{q.psnr:.2f}", f"{q.psnr_std:.2f}", f"{q.ssim:.3f}", f"{q.ssim_std:.3f}")
        for name, q in qualities.items()
    ]
    add_table(parent, rows, ["", *_QUALITY])


def _heading(key: str) -> str:
    return _HEADINGS.get(key, key.replace("_", " "))
