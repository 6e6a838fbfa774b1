"""Networks that are trained one by one in a search."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from pdas.methods.trials.schedule import TrialSchedule
from pdas.space import Architecture
from tests.methods.trials.trial_searches import (
    SPACE,
    Drawn,
    data,
    derive,
    loss,
    searched,
)

EIGHT = TrialSchedule(trials=8)


def halves() -> tuple[DataLoader[Any], DataLoader[Any]]:
    parts = torch.utils.data.random_split(data(), [0.5, 0.5], torch.Generator().manual_seed(1))
    first, second = (
        DataLoader(part, 10, shuffle=True, generator=torch.Generator()) for part in parts
    )
    return first, second


def by_hand(architecture: Architecture, seed: int, steps: int) -> float:
    """The error of the network of an architecture, trained with nothing of the search."""
    weight_batches, theta_batches = halves()
    text = f"{seed}:{architecture.indices.tolist()}"
    own = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    torch.manual_seed(own)
    network = derive(architecture)
    torch.manual_seed(own)
    weight_batches.generator.manual_seed(own)  # type: ignore[union-attr]
    sgd = torch.optim.SGD(network.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    taken = 0
    while taken < steps:
        for batch in weight_batches:
            if taken == steps:
                break
            sgd.param_groups[0]["lr"] = 0.025 * (1 + math.cos(math.pi * taken / steps)) / 2
            sgd.zero_grad()
            loss(network, batch)["loss"].backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5)
            sgd.step()
            taken += 1
    theta_batches.generator.manual_seed(seed)  # type: ignore[union-attr]
    network.eval()
    with torch.no_grad():
        accuracies = [float(loss(network, batch)["accuracy"]) for batch in theta_batches]
    return 1 - sum(accuracies) / len(accuracies)


def test_each_is_the_plain_training_of_its_network_to_the_last_bit() -> None:
    result = searched(Drawn(), TrialSchedule(trials=6), given={"data": halves()})
    steps = result.method._plan.length
    assert steps > 4
    told = result.optimizer.told
    assert len({error for _, error in told}) > 1
    for indices, error in told:
        assert error == by_hand(SPACE.architecture(indices), 5, steps)
