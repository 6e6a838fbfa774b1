"""Which runs are put together, and what they come to, against scipy and numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy import stats

from pdas.report.several.column import Column, read_column, read_columns, runs_of_sweep
from pdas.report.several.groups import groups, judged, metrics_of

Make = Callable[..., Path]


def run_of(make_run: Make, name: str, error: float, seed: int, **config: Any) -> Column:
    """A run with one retraining of this error."""
    path = make_run(name, errors=(error,))
    content = yaml.safe_load((path / "config.yaml").read_text()) | {"seed": seed} | config
    (path / "config.yaml").write_text(yaml.safe_dump(content))
    return read_column(name, path)


def test_runs_that_differ_in_seeds_are_together(make_run: Make) -> None:
    other = {"recipe": {"name": "digits", "search": {"method": "enas"}}}
    columns = [
        run_of(make_run, "a", 3.0, 0),
        run_of(make_run, "b", 5.0, 0, **other),
        run_of(make_run, "c", 4.0, 1),
        run_of(make_run, "d", 4.5, 1, **other),
        run_of(make_run, "e", 9.0, 2, test_images="of elsewhere"),
        Column("f", Path("nowhere")),
    ]
    assert [group.name for group in groups(columns)] == ["a, c", "b, d", "e"]


def test_mean_and_interval_are_those_of_the_runs(make_run: Make) -> None:
    errors = [3.25, 4.5, 2.75, 3.0]
    columns = [run_of(make_run, f"r{i}", error, i) for i, error in enumerate(errors)]
    (group,), metric = groups(columns), judged(columns)
    assert metric is not None and metric.key == "test_error"
    assert group.name == "r0, r1, r2 and 1 more"
    expected = stats.ttest_1samp(errors, 0).confidence_interval(0.95)
    assert group.mean(metric) == pytest.approx(np.mean(errors))
    assert group.interval(metric) == pytest.approx((expected.low, expected.high))
    assert group.text(metric) == f"{np.mean(errors):.2f} [{expected.low:.2f}, {expected.high:.2f}]"


def test_differences_are_paired_by_seed(make_run: Make) -> None:
    other = {"recipe": {"name": "digits", "search": {"method": "enas"}}}
    one = [run_of(make_run, f"a{i}", error, i) for i, error in enumerate((3.0, 3.5, 9.0))]
    two = [run_of(make_run, f"b{i}", error, i, **other) for i, error in enumerate((4.0, 4.6))]
    first, second = groups([*one, *two])
    metric = judged(one)
    assert metric is not None
    assert second.difference(first, metric).by_seed == pytest.approx({0: 1.0, 1: 1.1})


def test_retrainings_are_averaged_and_the_search_is_told(make_run: Make) -> None:
    column = read_column("a", make_run(errors=(2.0, 4.0)))
    found = {metric.key: value for metric, value in column.values.items()}
    assert found["test_error"] == 3.0 and found["params"] == 3_204_112
    assert found["decided"] == 0.9123 and found["search_seconds"] == 1243.5
    assert "convergence" not in found and "seed" not in found
    assert next(iter(metrics_of([column]))).key == "test_error"


def test_numbers_that_are_not_finite_do_not_count(make_run: Make) -> None:
    run = make_run(errors=(2.0,))
    (run / "retrain-0" / "result.json").write_text('{"test_error": NaN, "params": Infinity}')
    keys = {metric.key for metric in read_column("a", run).values}
    assert not keys & {"test_error", "params"}


def test_a_broken_run_is_a_column_that_says_so(make_run: Make) -> None:
    run = make_run()
    (run / "architecture.json").write_text("[1")
    (run / "metrics.csv").write_text("no,step\n1")
    column = read_column("a", run)
    lines = "\n".join(column.missing)
    assert "architecture.json: damaged" in lines and "metrics.csv: damaged" in lines
    assert column.values and not column.architecture and not column.course
    nothing = read_column("b", run / "nowhere")
    assert nothing.summary is None and not nothing.values and not nothing.recipe
    assert "has no config.yaml" in nothing.missing[0]


def test_names_are_as_long_as_it_takes_to_tell_runs_apart(make_run: Make, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        make_run(f"{folder}/seed-0")
    make_run("c")
    paths = [tmp_path / name for name in ("a/seed-0", "b/seed-0", "c")]
    assert [column.name for column in read_columns(paths[::2])] == ["seed-0", "c"]
    names = [column.name for column in read_columns([*paths, paths[0]])]
    assert names[:2] == ["a/seed-0", "b/seed-0"] and len(names) == 3


def test_a_sweep_has_its_seeds_in_order_and_those_that_failed(
    make_run: Make, tmp_path: Path
) -> None:
    for seed in (10, 9):
        make_run(f"seed-{seed}")
    (tmp_path / "seed-9" / "architecture.json").unlink()
    (tmp_path / "seed-11").symlink_to("seed-10")
    (tmp_path / "notes").mkdir()
    (tmp_path / "sweep.json").write_text('{"failed": {"3": "no room", "9": "killed", "10": "old"}}')
    columns = runs_of_sweep(tmp_path)
    assert [column.name for column in columns] == ["seed-3", "seed-9", "seed-10", "seed-11"]
    assert list(columns[0].missing) == ["no room"]
    assert columns[1].missing[-1] == "killed" and columns[1].values
    assert not columns[2].missing  # it was continued since
    assert "is a link" in columns[3].missing[0]
    (tmp_path / "sweep.json").write_text("{")
    assert [column.name for column in runs_of_sweep(tmp_path)] == ["seed-9", "seed-10", "seed-11"]
