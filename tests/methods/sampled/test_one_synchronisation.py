"""A step that reads its losses after the backward passes is one that reads them before."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor, nn

from pdas.distributed.ranks import Ranks
from pdas.methods.sampled.step import SearchStep
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import PdasError
from pdas.training.candidates import Candidates
from pdas.training.settings import TrainingSettings
from pdas.training.weights.training import WeightTraining
from tests.standin.device import stand_in_fabric

STEPS = 6


class Noisy(nn.Module):
    """The chosen weight times the input, of which a part is dropped."""

    space = SearchSpace({"which": ["a", "b", "c"]})

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(torch.full((5,), i + 1.0)) for i, name in enumerate("abc")}
        )
        self.dropout = nn.Dropout(0.4)

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        chosen: Tensor = self.weights[str(architecture["which"])]
        return self.dropout(chosen * x + random.random() + np.random.random())


@dataclass
class Turns:
    """An optimizer that gives all architectures in turn, and keeps what it is told."""

    space: SearchSpace = Noisy.space
    turn: int = 0
    told: list[Any] = field(default_factory=list)

    def ask(self, n: int | None = None) -> list[Architecture]:
        self.turn += 1
        names = "abcabc"[self.turn % 3 :][:2]
        return [self.space.architecture({"which": name}) for name in names]

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        self.told.append(losses)


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """Not finite for the weight "b", where the batch says so."""
    x, factor = batch
    out = model(x)
    is_b = "(b)" in str(model)
    return {"loss": out.square().mean() * (factor.mean() if is_b else 1), "seen": 2}


def batches(parts: int, *bad: int) -> list[tuple[Tensor, Tensor]]:
    """One for each step; in some, a part makes a loss that is not finite."""
    made = []
    for step in range(STEPS):
        factor = torch.ones(4)
        if step in bad:
            factor[-4 // parts :] = float("nan")
        made.append((torch.rand(4, 5, generator=torch.Generator().manual_seed(step)), factor))
    return made


def run(once: bool, parts: int, *bad: int, scaled: bool = False, **options: Any) -> dict[str, Any]:
    """All that a few steps leave behind."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    plugins = {"plugins": precision} if scaled else {}
    net, turns, fabric = Noisy(), Turns(), Fabric(accelerator="cpu", devices=1, **plugins)
    settings = TrainingSettings(steps=STEPS, **options)
    weights = WeightTraining(
        Candidates(net), settings, fabric, Ranks(fabric), steps=STEPS, per_epoch=STEPS
    )
    step = SearchStep(
        fabric,
        weights.network,
        loss,
        turns,  # type: ignore[arg-type]
        weights,
        accumulate=parts,
    )
    assert step._update is not None and not step._update._synchronises_once  # on a CPU
    step._update._synchronises_once = once
    records, error = [], None
    try:
        for batch in batches(parts, *bad):
            records.append(step(batch, batch))
    except PdasError as raised:
        error = str(raised)
    return {
        "records": records,
        "error": error,
        "told": turns.told,
        "weights": {name: w.detach().clone() for name, w in net.named_parameters()},
        "optimizer": weights.optimizer.state_dict(),
        "step": step.state_dict(),
        "scaler": precision.state_dict(),
        "next draws": (torch.rand(3), random.random(), np.random.random()),
    }


def same(found: Any, expected: Any) -> bool:
    """Whether they are equal to the last bit; NaN is NaN."""
    if isinstance(expected, Tensor):
        return torch.equal(found, expected)
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[k], expected[k]) for k in found)
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return repr(found) == repr(expected)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("clip", [0.1, 100])
@pytest.mark.parametrize("bad", [(), (0,), (0, 2, 3), (STEPS - 1,)])
def test_nothing_differs_to_the_last_bit(
    parts: int, bad: tuple[int, ...], clip: float, scaled: bool
) -> None:
    before, after = (run(once, parts, *bad, clip=clip, scaled=scaled) for once in (False, True))
    for name, expected in before.items():
        assert same(after[name], expected), name
    assert before["error"] is None
    assert (before["step"]["dropped"] > 0) == bool(bad)


def test_a_step_without_a_finite_loss_has_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Turns, "ask", lambda self, n=None: 2 * [Noisy.space.architecture([1])])
    before, after = (run(once, 1, 2) for once in (False, True))
    assert "training loss: not finite for any architecture of step 3" in before["error"]
    assert all(same(after[name], expected) for name, expected in before.items())


def test_losses_without_a_gradient_have_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Noisy, "forward", lambda self, x, architecture: self.dropout(x) * random.random()
    )
    before, after = (run(once, 2) for once in (False, True))
    assert "no architecture of step 1 has one with a gradient" in before["error"]
    assert all(same(after[name], expected) for name, expected in before.items())


@pytest.mark.parametrize("precision", ["32-true", "16-mixed"])
def test_who_synchronises_once(precision: str) -> None:
    """A device beside the CPU, also where its loss is scaled."""
    fabric = stand_in_fabric()
    if precision == "16-mixed":
        fabric._strategy._precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    weights = WeightTraining(
        Candidates(Noisy()), TrainingSettings(steps=1), fabric, Ranks(fabric), steps=1, per_epoch=1
    )
    step = SearchStep(fabric, weights.network, loss, Turns(), weights)  # type: ignore[arg-type]
    assert step._update is not None and step._update._synchronises_once
