"""The loss of a classifier's retraining, written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.classification.task import ClassifierTraining


class TwoHeads(nn.Module):
    """Two rows of logits that are what comes in."""

    auxiliary = object()

    def forward_with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, 2 * x


def by_hand(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    """-sum_k q_k log p_k, where q is 1 - s + s/K for the label and s/K for the others."""
    classes = logits.shape[1]
    losses = []
    for row, label in zip(logits.double(), labels.tolist(), strict=True):
        logs = (row.exp() / row.exp().sum()).log()
        q = [smoothing / classes + (1 - smoothing) * (k == label) for k in range(classes)]
        losses.append(-sum(weight * float(value) for weight, value in zip(q, logs, strict=True)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_labels_are_smoothed_in_both_losses(smoothing: float) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 5), torch.randint(5, (6,))
    settings = RetrainSettings(label_smoothing=smoothing, auxiliary_weight=0.4)
    found = ClassifierTraining(TwoHeads(), settings)((logits, labels))
    expected = by_hand(logits, labels, smoothing) + 0.4 * by_hand(2 * logits, labels, smoothing)
    assert float(found["loss"]) == pytest.approx(expected, rel=1e-5)
    right = (logits.argmax(1) == labels).float().mean()
    assert float(found["accuracy"]) == float(right)  # which no smoothing changes
