"""Each warning of a search is given by a real one that goes wrong in that way, and no healthy one.

Student's tests and the binomial distribution are those of scipy here.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from scipy.stats import binom
from torch import Tensor

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning
from pdas.report.warnings.halves import halves_differ
from pdas.report.warnings.not_converged import not_converged
from pdas.report.warnings.not_the_best import not_the_best
from pdas.report.warnings.nothing_learned import nothing_learned
from pdas.report.warnings.small_eta import eta_at_its_floor
from pdas.report.warnings.ties import losses_tie
from pdas.report.warnings.without_weights import without_weights
from tests.report.warnings.conftest import Tiny, examples, network, priced

Batch = tuple[Tensor, Tensor]


def given(warning: RunWarning | None) -> RunWarning:
    assert warning is not None
    return warning


def changed(summary: Summary, **parts: Any) -> Summary:
    return replace(summary, look={**summary.look, **parts})


def test_not_converged_and_the_steps_that_it_takes(tiny: Tiny) -> None:
    slow, net = {"name": "pdas", "eta": 0.01}, partial(network, skip=1.0)
    warning = given(not_converged(tiny(100, method=slow, net=net())))
    assert re.fullmatch(r"theta is decided by 0\.[234]\d only, of 1", warning.finding)
    steps = re.search(r"search about (\d+) steps more.*: search\.steps=(\d+)", warning.advice)
    assert steps is not None
    more, longer = map(int, steps.groups())
    assert 100 + 0.9 * more <= longer <= 100 + more
    assert not_converged(tiny(longer, method=slow, net=net())) is None


def test_a_theta_that_stands_still_has_no_steps_to_offer(tiny: Tiny) -> None:
    summary = tiny(200, method={"name": "pdas", "eta": 1e-6})
    warning = given(not_converged(summary))
    assert warning.finding == "theta is decided by 0.00 only, of 1"
    assert "would not decide it" in warning.advice


def test_theta_learns_nothing_of_equal_losses_which_tie(tiny: Tiny) -> None:
    def constant(model: Any, batch: Batch) -> Tensor:
        return 0 * priced(model, batch) + 1

    summary = tiny(40, loss=constant)
    assert given(nothing_learned(summary)).finding == "theta ended as it began, to the last bit"
    assert given(losses_tie(summary)).finding.startswith("100% of the losses")
    assert not_converged(summary) is None  # which would be a consequence


def test_weights_that_learn_nothing_are_no_better_than_a_constant(tiny: Tiny) -> None:
    points, labels = zip(*examples(), strict=True)
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    data = [(point, labels[i]) for point, i in zip(points, shuffled.tolist(), strict=True)]
    summary = tiny(100, data=data)
    warning = given(nothing_learned(summary))
    assert "is not below that of the best constant output" in warning.finding
    finalists = {"finalists": [{"steps": 10}, {"steps": 5}]}  # trained by themselves
    (summary.run.path / "finalists.json").write_text(json.dumps(finalists))
    assert nothing_learned(summary) is None


def test_losses_of_few_values_tie(tiny: Tiny) -> None:
    def rounded(model: Any, batch: Batch) -> Tensor:
        loss = priced(model, batch)
        return loss + (loss.round() - loss).detach()

    summary = tiny(60, loss=rounded)
    assert "equal that of another network" in given(losses_tie(summary)).finding
    assert losses_tie(changed(summary, ties=0.1)) is None


def test_eta_falls_to_its_floor_where_losses_are_noise(tiny: Tiny) -> None:
    def noise(model: Any, batch: Batch) -> Tensor:
        return priced(model, batch) + 100 * torch.randn(())

    summary = tiny(200, loss=noise)
    warning = given(eta_at_its_floor(summary))
    assert re.match(r"from step \d+ of 200 on it is at most [01]\.\d times", warning.finding)
    fixed = tiny(100, noise, method={"name": "pdas", "eta": "fixed"})
    assert eta_at_its_floor(fixed) is None


def test_halves_that_differ(tiny: Tiny) -> None:
    summary = tiny(10, data=(examples(512), examples(512, seed=1, shift=0.5)))
    finding = given(halves_differ(summary)).finding
    assert finding.startswith("the mean of tensor 1 of a batch is -0.00963 in D_W")
    assert "0.509 in D_theta" in finding


def test_labels_of_other_shares_differ(tiny: Tiny) -> None:
    few = [pair for pair in examples(1024, seed=1) if pair[1] != 2][:512]
    finding = given(halves_differ(tiny(10, data=(examples(512), few)))).finding
    assert finding.startswith("the share of label 2 in tensor 2 of a batch is 0.2")
    assert "and 0 in D_theta" in finding


def test_operations_without_weights_take_over(tiny: Tiny) -> None:
    # Here by the price of the others, which else are worse for want of training.
    summary = tiny(300, net=network(8, linear=5.0))
    warning = given(without_weights(summary))
    assert warning.finding.startswith("8 of 8 choices fell on one, where 4.0 is usual")
    names = list(summary.architecture)
    for linear in range(1, 9):  # as many choices fall on a layer with weights
        changed = {**summary.architecture, **dict.fromkeys(names[:linear], "linear")}
        rest = 8 - linear
        expected = binom.sf(rest - 1, 8, 0.5) <= 0.01
        assert (without_weights(replace(summary, architecture=changed)) is not None) == expected


def test_another_of_the_top_ten_is_better(tiny: Tiny) -> None:
    summary = tiny(8, method={"name": "pdas", "eta_scale": 0.2}, net=network(skip=1.0))
    assert "another has a loss of" in given(not_the_best(summary)).finding
    rows = summary.look["top"]
    assert sum(row["found"] for row in rows) == 1 and len(rows) == 10
    noisy = [row | {"error": max(abs(row["gain"]), 0.1)} for row in rows]
    assert not_the_best(changed(summary, top=noisy)) is None
    finalists = {"finalists": [{"steps": 10}, {"steps": 5}]}
    (summary.run.path / "finalists.json").write_text(json.dumps(finalists))
    assert not_the_best(summary) is None  # they were judged by trainings of their own


@pytest.mark.parametrize("seed", [1, 2])
def test_other_healthy_searches_are_quiet(tiny: Tiny, seed: int) -> None:
    summary = tiny(300, seed=seed)
    for kind in (halves_differ, nothing_learned, losses_tie, eta_at_its_floor, not_converged):
        assert kind(summary) is None
