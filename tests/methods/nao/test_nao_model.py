"""Sequences, fits and the ascent, against enumerated spaces and limit cases."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pdas.methods.nao.fit import Fit, Fitting, ascend, fit, quality, scores_of
from pdas.methods.nao.model import Model, Size
from pdas.methods.nao.sequence import Sequence
from pdas.space import SearchSpace
from pdas.spaces.cells.space import cell_space
from pdas.testing.optimizers import SPACE

OPERATIONS = ("identity", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
PAPER = cell_space(5, OPERATIONS)
CELLS = cell_space(2, OPERATIONS[:3])
ONE_NODE = cell_space(1, OPERATIONS[:2])


def uniform(space: SearchSpace, n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(space.sizes, size=(n, len(space)))


def tokens(sequence: Sequence, indices: Any) -> torch.Tensor:
    return torch.as_tensor(sequence.write(indices))


def test_a_cell_is_written_as_in_the_paper() -> None:
    """Source, operation, source, operation of each node; 1 to 6 are sources, 7 to 11 operations."""
    sequence = Sequence(PAPER)
    labels = {name: PAPER[name][0] for name in PAPER.names}
    labels |= {"normal/node2/in1": "node1", "normal/node2/op1": "sep_conv_5x5"}
    (written,) = sequence.write(PAPER.architecture(labels).indices[np.newaxis])
    assert written.tolist() == [1, 7, 1, 7, 3, 9, 1, 7] + [1, 7] * 16
    assert (sequence.tokens, sequence.joined) == (12, 2)


def test_in_other_spaces_each_category_has_a_token_and_nothing_is_swapped() -> None:
    sequence, indices = Sequence(SPACE), uniform(SPACE, 30)
    assert sequence.tokens == 1 + SPACE.sizes.sum()
    assert (sequence.swapped(indices, np.random.default_rng(0)) == indices).all()
    assert (sequence.canonical(indices) == indices).all()


def test_at_most_one_node_of_each_cell_is_swapped() -> None:
    sequence, indices = Sequence(PAPER), uniform(PAPER, 30)
    swapped = sequence.swapped(indices, np.random.default_rng(1))
    assert (swapped != indices).any()
    pairs = zip(PAPER.architectures(indices), PAPER.architectures(swapped), strict=True)
    for (before, after), cell in itertools.product(pairs, ("normal", "reduction")):
        changed = 0
        for b in range(1, 6):
            one, other = (
                [(a[f"{cell}/node{b}/in{i}"], a[f"{cell}/node{b}/op{i}"]) for i in (1, 2)]
                for a in (before, after)
            )
            assert other in (one, one[::-1])
            changed += other != one
        assert changed <= 1


def test_each_network_has_one_canonical_form() -> None:
    """Of all 256 architectures of a node with two sources and two operations, in two cells."""
    every = np.array(list(itertools.product(*map(range, ONE_NODE.sizes))))
    assert len(every) == 256
    sequence = Sequence(ONE_NODE)
    canonical = sequence.canonical(every)
    assert len({*map(tuple, canonical.tolist())}) == 10 * 10  # multisets of 2 out of 4 edges
    swapped = sequence.swapped(every, np.random.default_rng(0))
    assert 0 < (swapped == every).all(1).mean() < 1  # some stay as they are, or none would be seen
    assert (sequence.canonical(swapped) == canonical).all()
    assert (sequence.canonical(canonical) == canonical).all()


@pytest.mark.parametrize("space", [PAPER, SPACE], ids=["cells", "other"])
def test_every_decoded_sequence_is_legal(space: SearchSpace) -> None:
    sequence = Sequence(space)
    torch.manual_seed(0)
    model = Model(sequence, Size(hidden=16))
    h = F.normalize(torch.randn(200, len(space) // sequence.joined, 16), dim=-1)
    with torch.no_grad():
        model.output.bias[0] = 100.0  # it would rather say something illegal
    found = model.decode(h)
    assert ((found >= 0) & (found < space.sizes)).all()
    assert len(np.unique(found, axis=0)) > 1


def test_decoding_takes_the_best_legal_token_after_those_that_it_took() -> None:
    sequence = Sequence(SPACE)
    torch.manual_seed(0)
    model = Model(sequence, Size(hidden=16))
    h = model.encode(tokens(sequence, uniform(SPACE, 20)))
    decoded = model.decode(h)
    logits = model.logits(h, tokens(sequence, decoded)).detach().numpy()
    for place, (first, K) in enumerate(zip(sequence.first, sequence.sizes, strict=True)):
        best = logits[:, place, first : first + K].argmax(1)
        assert (best == decoded[:, place]).all()


def test_the_lowest_loss_has_the_score_1() -> None:
    assert scores_of(np.array([3.0, 1.0, 2.0])).tolist() == [0, 1, 0.5]
    assert scores_of(np.array([2.0, 2.0])).tolist() == [0, 0]


Fitted = tuple[Model, Sequence, Any, Any, Fit]


def fitted_to_twenty(epochs: int) -> Fitted:
    """A model of 20 architectures; the loss falls with the number of one operation."""
    sequence, indices = Sequence(CELLS), uniform(CELLS, 20)
    operations = [i for i, name in enumerate(CELLS.names) if "/op" in name]
    losses = -(indices[:, operations] == 1).mean(1)
    torch.manual_seed(0)
    model = Model(sequence, Size(embedding=16, hidden=48, predictor=32))
    fitting = Fitting(epochs=epochs, batch_size=20)
    return (
        model,
        sequence,
        indices,
        losses,
        fit(model, sequence, indices, losses, fitting, np.random.default_rng(0)),
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pdas.methods.nao.fit.RATE", 5e-3)  # for a small model, so that it is fast
        return fitted_to_twenty(epochs=250)


def test_twenty_architectures_are_learned_by_heart(fitted: Fitted) -> None:
    model, sequence, indices, losses, found = fitted
    decoded = model.decode(model.encode(tokens(sequence, indices)))
    assert (decoded == indices).all()
    assert found.wrong == 0 and found.pairs > 0.9 and not found.failed
    score = model.score(model.encode(tokens(sequence, indices))).detach().numpy()
    pairs = [score[i] > score[j] for i in range(20) for j in range(20) if losses[i] < losses[j]]
    assert found.pairs == pytest.approx(np.mean(pairs))


def test_a_small_step_raises_the_prediction(fitted: Fitted) -> None:
    model, sequence, indices, _, _ = fitted
    h = model.encode(tokens(sequence, indices)).detach().requires_grad_()
    before = model.score(h)
    (gradient,) = torch.autograd.grad(before.sum(), h)
    after = model.score(F.normalize(h + 0.01 * gradient, dim=-1))
    assert (after > before).float().mean() > 0.95


def test_longer_steps_lead_to_others_with_a_higher_prediction(fitted: Fitted) -> None:
    model, sequence, indices, _, _ = fitted
    assert (ascend(model, sequence, indices, 0.0) == indices).all()
    moved = ascend(model, sequence, indices, 20.0)
    assert (moved != indices).any(1).mean() > 0.5
    before, after = (model.score(model.encode(tokens(sequence, x))) for x in (indices, moved))
    assert after.mean() > before.mean()


def test_a_swapped_network_has_the_same_prediction(fitted: Fitted) -> None:
    model, sequence, indices, _, _ = fitted
    swapped = sequence.swapped(indices, np.random.default_rng(5))
    one, other = (model.score(model.encode(tokens(sequence, x))) for x in (indices, swapped))
    assert (one - other).abs().mean() < 0.02


def test_a_fit_that_failed_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        *_, found = fitted_to_twenty(epochs=1)
    assert found.failed and "raise fit_epochs" in caplog.text


def test_quality_of_losses_that_are_all_equal() -> None:
    sequence, indices = Sequence(SPACE), uniform(SPACE, 5)
    assert quality(Model(sequence, Size()), sequence, indices, torch.zeros(5)).pairs == 1


def test_fits_do_not_touch_the_global_generator() -> None:
    torch.manual_seed(0)
    sequence, indices = Sequence(SPACE), uniform(SPACE, 5)
    model = Model(sequence, Size(hidden=8))
    before = torch.get_rng_state()
    fit(model, sequence, indices, np.arange(5.0), Fitting(epochs=1), np.random.default_rng(0))
    assert torch.equal(torch.get_rng_state(), before)
