"""What the last look measures is what the search itself would measure, and it disturbs nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.distributed.fabric import Fabric
from pdas.methods.settings import SearchSettings
from pdas.nn import Choice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError
from pdas.searches.halves import both_halves
from pdas.searches.looks.look import BATCHES
from pdas.searches.method import method_for
from pdas.searches.result import SearchResult
from pdas.searches.run_search import run_search
from pdas.training.loop import Progress


def net() -> Supernet:
    torch.manual_seed(0)
    layers = [
        Choice(f"op{i}", {"linear": nn.Linear(4, 4), "tanh": nn.Tanh(), "none": nn.Identity()})
        for i in range(3)
    ]
    return Supernet(nn.Sequential(*layers, nn.Linear(4, 2)))


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def data(count: int = 320) -> list[tuple[Tensor, Tensor]]:
    points = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
    return list(zip(points, (points[:, 0] > 0).long(), strict=True))


def search(method: str = "pdas", steps: int = 30, **options: Any) -> SearchResult:
    loss_of = options.pop("loss", loss)
    settings = SearchSettings(
        method=method, epochs=None, steps=steps, batch_size=16, **options.pop("settings", {})
    )
    supernet = options.pop("net", None) or net()
    return run_search(
        supernet,
        loss_of,
        both_halves(data(), 16, 0),
        method_for(supernet.space, None, settings, (), None, 0),
        settings,
        Fabric(accelerator="cpu", devices=1),
        seed=0,
        **options,
    )


def test_it_looks_at_few_batches_of_the_other_half_with_the_shared_weights() -> None:
    supernet = net()
    look = search(net=supernet, looks=True).look
    rows = look["top"]
    assert len(rows) == 10 and rows[0]["found"] and not any(row["found"] for row in rows[1:])
    assert all(row["batches"] == 10 for row in rows)  # a pass over D_theta: 160 / 16
    assert BATCHES > 10
    _, theta = both_halves(data(), 16, 0)
    examples = [theta.dataset[i] for i in range(160)]
    points, labels = (torch.stack(column) for column in zip(*examples, strict=True))
    with torch.no_grad():
        for row in rows:
            architecture = supernet.space.architecture(row["architecture"])
            outputs = supernet(points, architecture)
            expected = float(nn.functional.cross_entropy(outputs, labels))
            assert row["loss"] == pytest.approx(expected, rel=1e-5)
            assert row["gain"] == pytest.approx(rows[0]["loss"] - row["loss"], abs=1e-9)
    assert look["without_weights"]["op0"] == {"labels": ["tanh", "none"], "of": 3}
    json.dumps(look)


def test_nothing_of_the_result_depends_on_it() -> None:
    plain, looked = search(), search(looks=True)
    assert plain.look == {} and looked.look
    assert plain.architecture == looked.architecture
    assert np.array_equal(plain.theta, looked.theta)


def test_a_search_that_is_resumed_has_the_same_look(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 13:
            signal.raise_signal(signal.SIGTERM)

    whole = search(looks=True).look
    with pytest.raises(StoppedError):
        search(looks=True, checkpoints=Checkpoints(tmp_path), on_step=stop)
    assert search(looks=True, checkpoints=Checkpoints(tmp_path)).look == whole
    assert search(looks=True, checkpoints=Checkpoints(tmp_path)).look == whole  # all is done


def test_what_fails_in_it_is_left_out_and_the_result_is_kept() -> None:
    after = {"calls": 0}

    def fails_later(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        after["calls"] += 1
        if after["calls"] > 120:  # 30 steps of two architectures on two batches
            raise RuntimeError("no more")
        return loss(model, batch)

    result = search(loss=fails_later, looks=True)
    assert result.architecture is not None
    assert set(result.look) == {"ties", "without_weights"}


@pytest.mark.parametrize("method", ["enas", "darts-1"])
def test_methods_without_such_losses_or_theta_have_what_there_is(method: str) -> None:
    look = search(method, looks=True).look
    assert "ties" not in look and "halves" in look
