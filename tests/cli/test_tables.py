"""What the tables say."""

from __future__ import annotations

import pytest

from pdas.cli.tables import sweep_rows, table
from pdas.tasks.results import metrics_of


def test_a_sweep_is_a_row_for_each_seed_and_each_measure() -> None:
    comparison = {
        "seeds": [3, 7],
        "measures": {
            "psnr": {"mean": 20.5, "std": 0.71, "values": {"3": 20.0, "7": 21.0}},
            "params": {"mean": 1500, "std": 707.1, "values": {"3": 1000, "7": 2000}},
        },
        "agreement": {"mean": 0.5, "chance": 0.25},
    }
    assert sweep_rows(comparison, metrics_of({"task": "inpainting"})) == [
        ("seed 3", "20.00 dB PSNR, 1,000 weights"),
        ("seed 7", "21.00 dB PSNR, 2,000 weights"),
        ("PSNR, dB", "20.50 ± 0.71"),
        ("weights", "1,500 ± 707"),
        ("agreement", "0.50 of the variables, of a pair of seeds (0.25 by chance)"),
    ]


@pytest.mark.parametrize(
    "name", ["exp[lr=0.1]", "z[/b]", "[bold]", "[red]a[/red]", ":smile:", "\\["]
)
def test_names_are_no_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    table(name, [(name, f"{name}, a value")])
    title, _, row, _ = capsys.readouterr().out.splitlines()
    assert title.strip() == name
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [name, f"{name}, a value"]
