"""One trial of a search, as it runs in this process or in any other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor, nn

from pdas.methods.trials.trial import Trial, packed
from pdas.space import Architecture


class Outcome(NamedTuple):
    """What a trial gives.

    Attributes:
        measures: on D_theta; the loss is infinite if the training diverged.
        weights: of the network as bytes `(n,)`, for its children; None where none are kept.

    Example:
        Outcome({"loss": 0.7, "accuracy": 0.8}, None)
    """

    measures: dict[str, float]
    weights: Tensor | None


def trial_of(trial: Trial, architecture: Architecture) -> Trial:
    """The trial of one architecture: its draws depend on the seed of the search and on it.

    All are judged with the same draws.

    Args:
        trial: of the search.
        architecture: that is trained.
    """
    text = f"{trial.seed}:{architecture.indices.tolist()}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return replace(trial, seed=seed, judging_seed=trial.seed)


def outcome_of(
    trial: Trial, network: nn.Module, steps: int, judged: int, keeps_weights: bool
) -> Outcome:
    """Train a network and judge it.

    Args:
        trial: of its architecture.
        network: with the weights to begin with.
        steps: of the whole training.
        judged: batches of D_theta.
        keeps_weights: whether the outcome has the weights.
    """
    state, measures = trial.measured(network, None, steps, steps, judged)
    kept = keeps_weights and state is not None
    return Outcome(measures, packed(network.state_dict()) if kept else None)
