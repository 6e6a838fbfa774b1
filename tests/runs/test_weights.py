"""The weights of a network in a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from pdas.runs.run import Run
from pdas.runs.weights import load_weights, save_weights
from pdas.support.errors import RunError


def test_weights_come_back_whatever_their_layout(tmp_path: Path) -> None:
    saved, loaded = (nn.Conv2d(3, 4, 3) for _ in range(2))
    save_weights(saved.to(memory_format=torch.channels_last), tmp_path / "weights")
    load_weights(loaded, tmp_path / "weights")
    for name, weight in saved.state_dict().items():
        assert torch.equal(weight, loaded.state_dict()[name])


def test_weights_of_another_network_are_one_line(tmp_path: Path) -> None:
    save_weights(nn.Linear(2, 3), tmp_path / "weights")
    with pytest.raises(RunError, match=r"weights: damaged .*other weights than those of") as error:
        Run(tmp_path).read("weights", partial(load_weights, nn.Linear(3, 2)))
    assert "\n" not in str(error.value)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        save_weights(nn.Linear(2, 3), tmp_path / "nowhere" / "weights")
