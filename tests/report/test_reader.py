"""What the report reads of a run; a damaged file is one line that names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pdas.report.page import write_report
from pdas.report.reader import read_metrics, read_summary, read_theta
from pdas.runs.run import Run
from pdas.space import SearchSpace
from pdas.space.decided import ThetaHistory
from pdas.support.errors import RunError


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", b"recipe: {name: [\nx"),
        ("config.yaml", b"- a\n- b\n"),
        ("config.yaml", b"recipe: 3\n"),
        ("config.yaml", b"\xff\xfe\x00"),
        ("architecture.json", b'{"a": '),
        ("architecture.json", b"7"),
        ("architecture.json", 100_000 * b"["),
        ("search.json", b""),
        ("search.json", b"\x80"),
        ("retrain-1/result.json", b"{"),
        ("retrain-1/result.json", b'{"test_error": "low", "params": 3}'),
        ("retrain-1/result.json", b'{"test_error": 2.5, "params": null}'),
        ("retrain-1/result.json", b'{"test_error": 2.5, "latency_p95": "slow"}'),
        ("retrain-1/result.json", b'{"test_error": 2.5, "test_error_interval": [1]}'),
        ("retrain-1/result.json", b'{"test_error": 2.5, "test_error_interval": [3, 1]}'),
        ("retrain-1/result.json", b'{"test_error": 2.5, "by_class": {"cat": 3}}'),
        ("retrain-1/mistakes.npz", b"PK"),
        ("retrain-1/metrics.csv", b"epoch,loss"),
        ("retrain-1/result.json", b'{"psnr": 20.0, "ssim": 0.5}'),
        ("retrain-1/result.json", b'{"psnr": "high", "psnr_std": 1, "ssim": 0, "ssim_std": 1}'),
        (
            "retrain-1/result.json",
            b'{"psnr": 9, "psnr_std": 1, "ssim": 0, "ssim_std": 1, "baselines": {"masked": 3}}',
        ),
        (
            "retrain-1/result.json",
            b'{"psnr": 9, "psnr_std": 1, "ssim": 0, "ssim_std": 1, "by_class": [1]}',
        ),
        ("retrain-1/config.yaml", b"recipe: 3\n"),
        ("retrain-1/restored.npz", b"PK"),
        ("theta.npz", b""),
        ("theta.npz", b"PK\x03\x04 and no more"),
        ("theta.npz", b"not an archive"),
        ("metrics.csv", b""),
        ("metrics.csv", 200_000 * b"x"),
        ("metrics.csv", b"epoch,loss\n1,2\n"),
        ("metrics.csv", b"step,loss,theta_loss,eta\n1,2,much,3\n"),
    ],
)
def test_damaged_file_is_named_in_one_line_of_the_page(
    make_run: Callable[..., Path], file: str, content: bytes
) -> None:
    run = make_run()
    (run / file).write_bytes(content)
    text = write_report(run).read_text()
    (message,) = re.findall(r'<li class="missing">(.*)</li>', text)
    assert message.startswith(f"{run / file}: damaged (")


@pytest.mark.parametrize(
    "arrays",
    [
        {"steps": np.arange(2), "theta": np.ones((2, 6))},
        {"steps": np.arange(3), "theta": np.ones((2, 6)), "sizes": np.full(3, 2)},
        {"steps": np.arange(2), "theta": np.ones((2, 3, 2)), "sizes": np.full(3, 2)},
        {"steps": np.arange(2), "theta": np.ones(12), "sizes": np.full(3, 2)},
        {"steps": np.arange(2), "theta": np.ones((2, 3)), "sizes": np.ones(3)},
        {"steps": np.arange(2), "theta": np.full((2, 6), np.nan), "sizes": np.full(3, 2)},
        {"steps": np.arange(2), "theta": np.ones((2, 4)), "sizes": np.array([2, 0, 2])},
        {"steps": np.arange(2), "theta": np.ones((2, 6)), "sizes": np.array([2, np.nan, 2])},
        {"steps": np.arange(0), "theta": np.ones((0, 6)), "sizes": np.full(3, 2)},
        {
            "steps": np.arange(2),
            "theta": np.ones((2, 6)),
            "sizes": np.full(3, 2),
            "theta_max": np.array([0.75, 0.5, 0.75]),
        },
        {"steps": np.array([{}]), "theta": np.ones((1, 6)), "sizes": np.full(3, 2)},
        {"steps": np.arange(1), "theta": np.ones((1, 4)), "sizes": np.full(2, 2), "names": [1, 2]},
        {
            "steps": np.arange(1),
            "theta": np.ones((1, 4)),
            "sizes": np.full(2, 2),
            "labels": np.array(["a", "b", "c"]),
        },
    ],
)
def test_history_that_makes_no_sense_is_damaged(
    make_run: Callable[..., Path], arrays: dict[str, np.ndarray]
) -> None:
    run = make_run()
    names = np.array([f"v{i}" for i in range(len(arrays.get("sizes", [0] * 3)))])
    np.savez(run / "theta.npz", **{"names": names, **arrays})
    with pytest.raises(RunError, match=r"theta\.npz: damaged \("):
        read_theta(Run(run))


def test_history_that_has_lost_bytes_is_damaged(tmp_path: Path) -> None:
    run, rng = Run(tmp_path), np.random.default_rng(0)
    theta, sizes = rng.random((100, 2)), np.array([2])
    history = ThetaHistory(np.arange(100), theta, sizes, np.array([0.75]))
    run.write_theta(SearchSpace({"op": ["a", "b"]}), history)
    found = read_theta(run)
    np.testing.assert_equal(vars(found.history), vars(history))
    assert (found.names, found.labels) == (["op"], [["a", "b"]])
    whole = (tmp_path / "theta.npz").read_bytes()
    start = whole.index(b"theta.npy") + len(b"theta.npy") + 50  # in what is packed
    for at in range(start, start + 1000, 10):
        (tmp_path / "theta.npz").write_bytes(whole[:at] + bytes(10) + whole[at + 10 :])
        with pytest.raises(RunError, match=r"theta\.npz: damaged \("):
            read_theta(run)


def test_missing_column_is_named(make_run: Callable[..., Path]) -> None:
    run = make_run()
    (run / "metrics.csv").write_text("epoch,loss\n1,2\n")
    with pytest.raises(RunError, match=r"metrics\.csv: damaged \(no column step\)"):
        read_metrics(Run(run))


def test_retrainings_are_in_order_of_their_seeds(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=tuple(map(float, range(11))))
    (run / "retrain-99").mkdir()  # under way: no result yet
    found = read_summary(run).results
    assert list(found) == [f"retrain-{i}" for i in range(11)]
    assert [result["test_error"] for result in found.values()] == list(range(11))


def test_config_keeps_what_is_beside_the_recipe(make_run: Callable[..., Path]) -> None:
    summary = read_summary(make_run())
    assert summary.recipe["name"] == "digits"
    assert summary.environment == {"torch": "2.9.8", "gpu": None}
    assert summary.others == {"seed": 7}


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e308", "-1e300", "9" * 400, "1e-320"])
@pytest.mark.parametrize("column", [0, 2, 5])
def test_a_number_that_cannot_be_drawn_is_none_or_one_line(
    make_run: Callable[..., Path], column: int, value: str
) -> None:
    run = make_run()
    lines = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    lines[2][column] = value
    (run / "metrics.csv").write_text("\n".join(map(",".join, lines)))
    if column == 0 and value != "1e-320":
        with pytest.raises(RunError, match=r"metrics.csv: damaged \(steps are not all finite"):
            read_metrics(Run(run))
        return
    read = read_metrics(Run(run))[lines[0][column]]
    assert np.isnan(read[1]) == (value != "1e-320")


def test_a_column_is_no_formula(make_run: Callable[..., Path]) -> None:
    run = make_run()
    text = (run / "metrics.csv").read_text()
    (run / "metrics.csv").write_text(text.replace("eta", "$\\frac$").replace("loss", "$x$_loss"))
    assert "$\\frac$" in write_report(run).read_text()
