"""Variables of unequal numbers of categories, against the slow reference and one rectangle."""

from __future__ import annotations

import numpy as np
import pytest
from pdas_reference import ReferencePDAS

from pdas.methods.pdas import layout
from pdas.methods.pdas.layout import Layout
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace

UNEQUAL = np.array([2] * 40 + [700] + [3, 1, 9] * 5)


def space_of(sizes: np.ndarray) -> SearchSpace:
    return SearchSpace({f"v{i}": range(K) for i, K in enumerate(sizes.tolist())})


@pytest.mark.parametrize(
    ("sizes", "rectangles"),
    [
        (np.full(9, 4), 1),
        (np.array([2, 8, 3]), 1),
        (np.array([2, 900]), 1),  # few entries
        (UNEQUAL, 5),  # up to 1, 2, 4, 16 and 1024 categories
        (np.array([2] * 3000 + [5000]), 2),
    ],
)
def test_entries_are_in_proportion_to_the_categories(sizes: np.ndarray, rectangles: int) -> None:
    found = Layout(sizes)
    assert len(found.rectangles) == rectangles
    assert len(found.padding) <= max(layout.MOST_ENTRIES * sizes.sum(), layout.FEW)
    assert (~found.padding).sum() == sizes.sum()


@pytest.mark.parametrize("sizes", [np.array([3, 1, 5]), UNEQUAL])
def test_each_variable_has_a_row_of_its_own(sizes: np.ndarray) -> None:
    found = Layout(sizes)
    values = np.random.default_rng(0).random(sizes.sum())
    padded = found.with_padding(values)
    assert found.without_padding(padded).tolist() == values.tolist()
    assert not padded[found.padding].any()
    rows = np.split(values, sizes.cumsum()[:-1])
    assert found.by_variable(np.max, padded).tolist() == [row.max() for row in rows]
    assert found.by_variable(np.argmax, padded).tolist() == [row.argmax() for row in rows]
    of_rows = found.of_rows(np.arange(len(sizes)))
    expected = np.repeat(np.arange(len(sizes)), sizes)
    assert found.without_padding(of_rows).tolist() == expected.tolist()
    assert found.start.tolist() == [of_rows.tolist().index(i) for i in range(len(sizes))]


@pytest.mark.parametrize("masked", [False, True])
def test_updates_agree_with_the_slow_reference(masked: bool) -> None:
    space, rng = space_of(UNEQUAL), np.random.default_rng(0)
    optimizer, reference = PDAS(space, seed=0), ReferencePDAS(UNEQUAL.tolist(), 1.5)
    for _ in range(20):
        pair, losses = optimizer.ask(), rng.random(2).tolist()
        active = rng.random((2, len(space))) < 0.6 if masked else None
        optimizer.tell(pair, losses, active)
        told = None if active is None else active.tolist()
        reference.tell([a.indices.tolist() for a in pair], losses, told)
        for row, expected in zip(optimizer.theta.values(), reference.theta, strict=True):
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-12)
        assert optimizer.eta == pytest.approx(reference.eta, rel=1e-10)


def test_samples_and_theta_are_those_of_one_rectangle(monkeypatch: pytest.MonkeyPatch) -> None:
    space = space_of(UNEQUAL)
    several = PDAS(space, seed=4)
    monkeypatch.setattr(layout, "FEW", 10**9)
    one = PDAS(space, seed=4)
    assert len(one._p.layout.rectangles) == 1 < len(several._p.layout.rectangles)
    for losses in np.random.default_rng(1).random((50, 2)):
        pair, other = several.ask(), one.ask()
        assert [a.indices.tolist() for a in pair] == [a.indices.tolist() for a in other]
        several.tell(pair, losses)
        one.tell(other, losses)
    np.testing.assert_allclose(several.theta_array, one.theta_array, rtol=1e-12)
    assert several.best() == one.best()
    assert several.decided == pytest.approx(one.decided)
    assert several.convergence == pytest.approx(one.convergence)
    assert several.entropy() == pytest.approx(one.entropy())
    assert several.log_probability(pair[0]) == pytest.approx(one.log_probability(pair[0]))


def test_it_continues_from_its_state() -> None:
    space, losses = space_of(UNEQUAL), np.random.default_rng(2).random((20, 2))
    whole = PDAS(space, seed=1)
    for step, pair in enumerate(losses):
        if step == 10:
            state = whole.state_dict()
        whole.tell(whole.ask(), pair)
    again = PDAS(space, seed=1)
    again.load_state_dict(state)
    for pair in losses[10:]:
        again.tell(again.ask(), pair)
    assert again.state_dict() == whole.state_dict()
