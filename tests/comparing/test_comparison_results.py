"""The table and the page of made-up comparisons: what is first, settled and bold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pdas.comparing.results import read_results
from pdas.comparing.run import write_results
from pdas.comparing.table import headings, row_texts, sentences
from pdas.report.comparison import write_comparison
from pdas.support.errors import RunError
from pdas.support.metrics import SCORES
from tests.comparing.made_up import make_comparison, write

APART = {"random": [6.0, 6.2, 6.1], "pdas": [5.0, 5.1, 5.1], "enas": [4.9, 5.4, 5.1]}
OPEN = "Not settled: enas against pdas."


def test_the_best_mean_is_first_and_rows_without_results_are_last(tmp_path: Path) -> None:
    done = read_results(make_comparison(tmp_path, {"nas": [], **APART}))
    assert [row.name for row in done.rows] == ["pdas", "enas", "random", "nas"]
    assert done.reference == "pdas" and done.metric.key == "test_error"
    assert [row_texts(done, row)[6] for row in done.rows] == ["3 of 3"] * 3 + ["0 of 2"]
    assert done.failed == {("nas", 0): "search: <b>broken</b>"}
    trained = done.rows[0]
    assert (trained.trials, list(trained.seconds)) == (7, [10.0, 11.0, 12.0])


def test_a_metric_of_which_more_is_better_is_the_other_way_round(tmp_path: Path) -> None:
    path = make_comparison(tmp_path, APART, recipe="inpaint-photos", metric="psnr")
    done = read_results(path)
    assert [row.name for row in done.rows] == ["random", "enas", "pdas"]
    assert (
        sentences(done)[0] == "Settled: random is better than pdas. Not settled: enas against pdas."
    )
    assert "quoted" not in headings(done)
    assert done.best is done.rows[0]


def test_what_is_settled_is_said(tmp_path: Path) -> None:
    done = read_results(make_comparison(tmp_path, APART))
    assert (
        sentences(done)[0] == "Settled: random is worse than pdas. Not settled: enas against pdas."
    )


def test_the_first_row_is_the_reference_where_there_is_no_pdas(tmp_path: Path) -> None:
    done = read_results(make_comparison(tmp_path, {"random": [2.0, 2.1], "enas": [1.0, 1.2]}))
    assert done.reference == "random"
    assert done.rows[0].name == "enas" and done.rows[1].difference is None


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ({"pdas": [5.0, 5.1, 5.1], "random": [6.0, 6.2, 6.1]}, "pdas"),
        (APART, None),  # of pdas and enas
        ({"pdas": [5.0, 5.1, 5.1], "random": [6.0]}, None),
        ({"pdas": [5.0, 5.1, 5.1]}, None),
    ],
)
def test_only_a_best_row_without_overlap_is_bold(
    tmp_path: Path, values: dict[str, list[float]], best: str | None
) -> None:
    done = read_results(make_comparison(tmp_path, values))
    assert (done.best and done.best.name) == best
    page = write_comparison(done).read_text(encoding="utf-8")
    assert ("<b>" in page) == (best is not None)


def test_weights_above_the_limit_are_told(tmp_path: Path) -> None:
    done = read_results(make_comparison(tmp_path, {"plain:resnet18": [9.0]}, params=11_000_000))
    assert "11,000,000, over the limit of 100,000" in row_texts(done, done.rows[0])


def test_the_page_has_rows_seeds_and_quoted_figures_and_escapes(tmp_path: Path) -> None:
    done = write_results(make_comparison(tmp_path, {"nas": [], **APART}))
    page = write_comparison(done).read_text(encoding="utf-8")
    for text in ("enas", "reduced", "+1.03 [", "2.98 (±0.12)", "quoted", "Table 1 of the paper"):
        assert text in page
    assert "&lt;b&gt;broken" in page and "seed 2" in page and page.count("<h1>") == 1
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert [row["method"] for row in written["results"]] == ["pdas", "enas", "random", "nas"]
    assert read_results(tmp_path) == done


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("comparison.json", "{", "comparison.json: damaged"),
        ("comparison.json", '{"rows": 3}', "comparison.json: damaged"),
        ("pdas/seed-1/search.json", "[]", "search.json: damaged"),
        ("pdas/seed-1/retrain-1/result.json", "{", "result.json: damaged"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (make_comparison(tmp_path, APART) / name).write_text(text)
    with pytest.raises(RunError, match=message) as error:
        read_results(tmp_path)
    assert "\n" not in str(error.value)


def test_a_directory_without_a_comparison_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no comparison.json, expected a directory made by"):
        read_results(tmp_path)


def test_a_link_in_the_place_of_a_run_is_refused(tmp_path: Path) -> None:
    path = make_comparison(tmp_path / "made", APART)
    (path / "pdas" / "seed-1").rename(tmp_path / "elsewhere")
    (path / "pdas" / "seed-1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is a link"):
        read_results(path)


@pytest.mark.parametrize(("wrong", "is_told"), [((8, 20), True), ((8, 11), False)])
def test_what_the_seeds_settle_may_be_more_than_the_test_images_tell(
    tmp_path: Path, wrong: tuple[int, int], is_told: bool
) -> None:
    images = 200
    errors = {
        name: [100 * (count + seed % 2) / images for seed in range(3)]
        for name, count in zip(("pdas", "random"), wrong, strict=True)
    }
    path = make_comparison(tmp_path, errors)
    for name, values in errors.items():
        for seed, error in enumerate(values):
            scores = 100.0 * (np.arange(images) < round(error * images / 100))
            np.savez(path / name / f"seed-{seed}" / f"retrain-{seed}" / SCORES, test_error=scores)
    # The seeds go up and down together, so the differences of pairs are all but equal.
    write(
        path / "random" / "seed-2" / "retrain-2" / "result.json",
        {"test_error": errors["random"][2] + 0.01, "params": 5000},
    )
    done = read_results(path)
    said = sentences(done)
    assert said[0] == "Settled: random is worse than pdas."
    least = 1.96 * np.std(scores_of(wrong, images), ddof=1) / images**0.5
    untold = (
        f"The test set is small: 200 images tell differences of {least:.2f} % or more, and that of "
        "random is 1.50 %; test on more."
    )
    assert (untold in said) == (not is_told)
    assert sum(text.startswith("The test set is small") for text in said) == (not is_told)


def scores_of(wrong: tuple[int, int], images: int) -> np.ndarray:
    """The difference of each image, a mean over the three seeds."""
    numbers = np.arange(images)
    one, other = (
        np.mean([100.0 * (numbers < count + seed % 2) for seed in range(3)], axis=0)
        for count in wrong
    )
    return other - one
