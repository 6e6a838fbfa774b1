"""The page holds the figures of the run, escaped, and needs nothing beside itself."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from pdas.report.page import write_report


class Page(HTMLParser):
    """The texts, tags, table rows and references of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.references: list[str] = []
        self.pictures: list[str] = []
        self.drawings: list[str] = []
        self.scripts = 0
        self._in_cell = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = [value or "" for name, value in attrs if name in ("src", "href")]
        self.references += found
        self.pictures += found if tag == "img" else []
        named = dict(attrs)
        if tag == "svg":
            self.drawings.append(named["aria-label"] or "")
        elif tag == "script" and "type" not in named:
            self.scripts += 1
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._in_cell:
            self.rows[-1][-1] += data

    def has_row(self, *cells: str) -> bool:
        return list(cells) in self.rows


def test_page_of_a_whole_run(make_run: Callable[..., Path]) -> None:
    path = write_report(make_run("first-try"))
    page = Page(path)
    assert path.name == "report.html"
    assert "first-try" in page.texts
    assert page.has_row("test error", "3.08 ± 0.14 % (2 retrainings)")
    assert page.has_row("", "test error, %", "weights", "seed")
    assert page.has_row("retrain-0", "2.98", "3,204,112", "0")
    assert page.has_row("retrain-1", "3.18", "3,204,112", "1")
    assert page.has_row("search.method", "pdas")
    assert page.has_row("seed", "7")
    assert page.has_row("torch", "2.9.8")
    assert page.has_row("gpu", "none")
    assert any("output = concat(" in text for text in page.texts)


def test_pictures_are_within_the_page_and_nothing_is_outside(
    make_run: Callable[..., Path],
) -> None:
    run = make_run()
    page = Page(write_report(run))
    assert all(each.startswith(("data:image/", "#")) for each in page.references)
    assert page.scripts == 1 and "iframe" not in page.tags
    first, *others = page.drawings
    assert first == "The normal and the reduction cell"
    assert others == [f"{title}, over the steps" for title in CURVES]
    assert (run / "architecture.svg").read_text().startswith("<?xml")


CURVES = (
    "share of θ decided, 1 at its bounds; band between the quartiles of the variables",
    "learning rate η of θ",
    "loss, on either half of the data",
)
ATTACK = '<script>alert("1")</script> & <b>'


@pytest.mark.parametrize(
    "parts",
    [
        {"recipe": {"name": "x", "data": {"dir": ATTACK, ATTACK: 1}, "description": ATTACK}},
        {"architecture": {"op": ATTACK, ATTACK: "skip"}},
        {"method": ATTACK},
        {"classes": (ATTACK, "b")},
        {"name": '<script>alert("1")<&"b">'},
    ],
)
def test_everything_is_escaped(make_run: Callable[..., Path], parts: dict[str, Any]) -> None:
    if "name" in parts:
        parts = {"name": parts["name"].replace("/", "")}
    page = Page(write_report(make_run(**parts)))
    assert page.scripts == 1 and "b" not in page.tags
    assert any("<script>alert" in text for text in page.texts)


def test_random_method_without_history(make_run: Callable[..., Path]) -> None:
    page = Page(write_report(make_run(method="random")))
    assert page.has_row("method", "random")
    assert len(page.drawings) == 1


def test_search_without_retraining(make_run: Callable[..., Path]) -> None:
    page = Page(write_report(make_run(errors=())))
    assert page.has_row("share of θ decided", "0.912")
    assert "Retrained networks" not in page.texts


def test_search_under_way(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=())
    for name in ("search.json", "architecture.json"):
        (run / name).unlink()
    assert len(Page(write_report(run)).drawings) == len(CURVES)


def test_nothing_but_a_recipe(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=())
    for name in ("search.json", "architecture.json", "theta.npz", "metrics.csv"):
        (run / name).unlink()
    page = Page(write_report(run))
    assert page.has_row("method", "pdas")
    assert not page.pictures


def test_other_spaces_are_told_in_text(make_run: Callable[..., Path]) -> None:
    run = make_run(architecture={"op": "skip", "width": 64})
    page = Page(write_report(run))
    assert any("width  64" in text for text in page.texts)
    assert not (run / "architecture.svg").exists()


def quality_texts(*means: str) -> list[str]:
    """The cells of a row about restored images."""
    return [f"{mean} ± {'2.50' if mean[-3] == '.' else '0.1250'}" for mean in means]


def test_inpainting_of_earlier_versions(
    make_run: Callable[..., Path],
    add_retraining: Callable[..., Path],
    restored: Callable[..., dict[str, Any]],
    write_samples: Callable[..., dict[str, Any]],
) -> None:
    def earlier(measures: dict[str, Any]) -> dict[str, Any]:
        return {
            key: earlier(value) if isinstance(value, dict) else value
            for key, value in measures.items()
            if not any(new in key for new in ("composited", "hidden"))
        }

    run = make_run(errors=())
    made = add_retraining(run, 0, earlier(restored(26.911)))
    write_samples(made, composited=None, psnr_composited=None)
    page = Page(write_report(run))
    assert page.has_row("", "PSNR, dB", "SSIM")
    assert page.has_row("network", *quality_texts("26.91", "0.8120"))


def test_page_of_inpainting(
    make_run: Callable[..., Path],
    random_chain: Callable[..., dict[str, Any]],
    add_retraining: Callable[..., Path],
    restored: Callable[..., dict[str, Any]],
    write_samples: Callable[..., dict[str, Any]],
) -> None:
    run = make_run(architecture=random_chain(5, 0), errors=())
    write_samples(add_retraining(run, 0, restored(26.911)))
    page = Page(write_report(run))
    assert page.has_row("PSNR", "26.91 dB (masked 6.44, biharmonic 29.91)")
    of_images = ("PSNR, dB", "composited PSNR, dB", "PSNR of hidden pixels, dB")
    of_images += ("SSIM", "composited SSIM")
    assert page.has_row("", *of_images, "test images", "weights", "mask")
    assert page.has_row("", *of_images)
    assert page.has_row("network", *quality_texts("26.91", "29.91", "25.91", "0.8120", "0.9120"))
    assert page.has_row("masked", *quality_texts("6.44", "9.44", "5.44", "0.1090", "0.2090"))
    assert page.has_row("dog", *quality_texts("27.91", "30.91", "26.91", "0.7000", "0.8000"))
    pictures = [b64decode(text.partition(",")[2]) for text in page.pictures]
    assert pictures == [(run / "retrain-0/restored.png").read_bytes()]
    assert "The layers of the auto-encoder" in page.drawings


def test_size_of_the_drawn_images_is_that_of_the_recipe(
    make_run: Callable[..., Path], random_chain: Callable[..., dict[str, Any]]
) -> None:
    heights = []
    kinds = {f"layer{i}/type": "3x3_down" for i in range(1, 9)}
    for name, data in (("small", {"image_size": 2}), ("large", {"image_size": 512}), ("no", 3)):
        run = make_run(name, architecture=random_chain(8, 0, True) | kinds, recipe={"data": data})
        write_report(run)
        drawing = fromstring((run / "architecture.svg").read_text())
        heights.append(float(drawing.attrib["height"].removesuffix("pt")))
    assert heights[0] < heights[1] == heights[2]


def test_missing_and_damaged_architectures_are_not_drawn(make_run: Callable[..., Path]) -> None:
    run = make_run()
    (run / "architecture.json").write_text("[1, 2]")
    assert "architecture.json: damaged (the file is list" in write_report(run).read_text()
    (run / "architecture.json").unlink()
    write_report(run)
    assert not (run / "architecture.svg").exists()


def test_inpainting_without_classes_and_images(
    make_run: Callable[..., Path],
    add_retraining: Callable[..., Path],
    restored: Callable[..., dict[str, Any]],
) -> None:
    run = make_run(errors=())
    add_retraining(run, 0, restored(classes=()))
    page = Page(write_report(run))
    assert page.has_row("network", *quality_texts("26.91", "29.91", "25.91", "0.8120", "0.9120"))
    assert "The network by class" not in page.texts
    assert not (run / "retrain-0" / "restored.png").exists()


def test_settings_that_differ_between_retrainings_are_columns(
    make_run: Callable[..., Path], add_retraining: Callable[..., Path]
) -> None:
    run = make_run(errors=(4.5,))
    for seed, epochs in ((1, 3), (2, 12)):
        recipe = {"name": "digits", "retrain": {"epochs": epochs, "clip": 5.0}}
        add_retraining(run, seed, {"test_error": 10.0 / epochs}, recipe)
    page = Page(write_report(run))
    assert [cells[-1] for cells in page.rows if cells[0] == ""] == ["retrain.epochs"]
    ends = {cells[0]: cells[-1] for cells in page.rows if cells[0].startswith("retrain-")}
    assert ends == {"retrain-0": "unknown", "retrain-1": "3", "retrain-2": "12"}
    errors = [cells[1] for cells in page.rows if cells[0].startswith("retrain-")]
    assert errors == ["4.50", "3.33", "0.83"]  # places as everywhere
