"""`pdas predict`: files and folders, in every format, broken ones beside the others."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pdas.runs.run import Run
from pdas.tasks.loading import load
from tests.cli.conftest import Pdas


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """A folder with images, a broken one and other files; the names of the whole ones."""
    rng = np.random.default_rng(0)
    names = ["photos/a.png", "photos/deep/er/b.JPG", "photos/z.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(256, size=(9, 7, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "photos" / "broken.png").write_bytes(b"no image")
    for name in ("notes.txt", "more.txt", "movie.mp4", ".hidden.png"):
        (tmp_path / "photos" / name).write_bytes(b"")
    return names


def expected(run: Run, names: list[str], root: Path, k: int) -> dict[str, list[Any]]:
    classifier = load(run.path)
    found = classifier.top([root / name for name in names], k)
    ranked = [[(p.label, p.probability) for p in each] for each in found]
    return dict(zip(names, ranked, strict=True))


def test_text_has_a_line_for_each_image(
    pdas: Pdas, finished: Run, photos: list[str], tmp_path: Path
) -> None:
    for top in (1, 3):
        words = ["predict", finished.path, "photos", *(["--top", top] if top > 1 else [])]
        status, out, err = pdas(*words)
        found = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
        wanted = expected(finished, photos, tmp_path, top)
        assert status == 1 and list(found) == photos
        for name, ranked in wanted.items():
            texts = [text for label, p in ranked for text in (label, f"{p:.3f}")]
            assert found[name] == texts
        assert err.splitlines()[0] == "pdas: photos: passed over 2 .txt, 1 .mp4"
        assert err.splitlines()[1].startswith("pdas: photos/broken.png: found no readable image")
        assert len(err.splitlines()) == 2


@pytest.mark.parametrize("top", [1, 2])
def test_json_and_csv_have_every_file(
    pdas: Pdas, finished: Run, photos: list[str], tmp_path: Path, top: int
) -> None:
    given = ["z.png", "photos", "nofile.png"]
    shutil.copy(tmp_path / "photos" / "z.png", tmp_path / "z.png")
    names = ["z.png", *photos]
    wanted = expected(finished, names, tmp_path, top)
    options = [finished.path, *given, "--top", top, "--format"]
    status, out, err = pdas("predict", *options, "json")
    assert status == 1 and len(err.splitlines()) == 3
    order = ["z.png", "photos/a.png", "photos/broken.png", *photos[1:], "nofile.png"]
    found = json.loads(out)
    assert [each["file"] for each in found] == order
    for each in found:
        if each["file"] in wanted:
            ranked = [(p["label"], p["probability"]) for p in each["predictions"]]
            assert [label for label, _ in ranked] == [label for label, _ in wanted[each["file"]]]
            assert [p for _, p in ranked] == pytest.approx([p for _, p in wanted[each["file"]]])
        else:
            assert each.keys() == {"file", "error"} and each["error"] in err
    status, out, err = pdas("predict", *options, "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 1 and len(rows) == 4 * top + 2
    assert [(row["file"], row["label"]) for row in rows if row["label"]] == [
        (each["file"], p["label"]) for each in found for p in each.get("predictions", [])
    ]
    assert [int(row["rank"]) for row in rows if row["rank"]] == 4 * [*range(1, top + 1)]
    assert [row["file"] for row in rows if row["error"]] == ["photos/broken.png", "nofile.png"]


def test_all_read_is_status_0_with_nothing_beside(
    pdas: Pdas, finished: Run, photos: list[str]
) -> None:
    status, out, err = pdas("predict", finished.path, *photos, "--format", "csv")
    assert (status, err, len(out.splitlines())) == (0, "", 4)


def test_names_cannot_steer_a_terminal(pdas: Pdas, finished: Run, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    retrained = Run(run / "retrain-0")
    classes = [f"\x1b[31m{i}\nred" for i in range(10)]
    retrained.write_json("result.json", retrained.read_json("result.json") | {"classes": classes})
    Image.new("L", (8, 8)).save(tmp_path / "a\x1b[2J.png")
    for format, lines in (("text", 1), ("csv", 2), ("json", 11)):
        status, out, _ = pdas("predict", run, "a\x1b[2J.png", "--format", format)
        assert status == 0 and len(out.splitlines()) == lines and "\x1b" not in out
    (prediction,) = json.loads(out)[0]["predictions"]
    assert prediction["label"] in classes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["empty"], "pdas: images: found none in empty, expected image files\n"),
        (["a.png", "--format", "xml"], "--format: found 'xml', expected one of text, json, csv"),
        (["a.png", "--top", "0"], "'--top'"),
    ],
)
def test_what_cannot_begin_is_status_2(
    pdas: Pdas, finished: Run, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    status, out, err = pdas("predict", finished.path, *words)
    assert (status, out) == (2, "") and message in err


def test_the_help_says_which_retraining(pdas: Pdas) -> None:
    assert "RUN/retrain-1" in pdas("predict", "--help")[1]
