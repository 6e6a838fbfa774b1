"""Small made-up images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pdas.data.base import SETS

MakeFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def shipped_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set but the shipped ones, whatever other tests have registered."""
    SETS.names()  # all are there
    shipped = {
        name: found for name, found in SETS._found.items() if found.read.__module__[:5] == "pdas."
    }
    monkeypatch.setattr(SETS, "_found", shipped)


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Writes `counts[class]` random colour images of 20x12 to tmp_path/name/class/."""

    def make(name: str, counts: dict[str, int], extension: str = "png") -> Path:
        rng = np.random.default_rng(len(name))
        for label, count in counts.items():
            folder = tmp_path / name / label
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i:03}.{extension}")
        return tmp_path / name

    return make
