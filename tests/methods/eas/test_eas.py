"""EAS: its edits stay within the space, its policy learns, and its state continues it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from pdas.methods.eas.edits import draw, log_p_and_entropy
from pdas.methods.eas.layers import LayerSpace
from pdas.methods.eas.optimizer import EAS
from pdas.methods.eas.policy import EditPolicy
from pdas.space import SearchSpace
from pdas.support.errors import SettingError

SPACE = SearchSpace(
    {f"block{b}/layer{i}": ("none", 4, 6, 8) for b in (1, 2, 3) for i in (1, 2, 3, 4)}
)
LAYERS = LayerSpace(SPACE)


def test_a_place_is_never_past_the_block_and_no_layer_too_wide() -> None:
    policy, rng = EditPolicy(LAYERS), np.random.default_rng(0)
    for _ in range(20):
        lengths = [2, 2, 2]
        edits, widths = draw(policy, LAYERS.start(2), LAYERS, (4, 8), rng)
        for block, place in edits.deeper:
            assert place <= lengths[block] < 4
            lengths[block] += 1
        assert lengths == [4, 4, 4] == [len(row) for row in widths]
        assert {width for row in widths for width in row} <= {1, 2, 3}


def test_probabilities_of_all_edits_add_up_to_one() -> None:
    policy, rng = EditPolicy(LAYERS), np.random.default_rng(0)
    start = [[3], [1], [3, 3, 3, 3]]
    found = {}
    for _ in range(400):
        edits, _ = draw(policy, start, LAYERS, (1, 1), rng)
        found[repr(edits)] = float(log_p_and_entropy(policy, start, edits)[0].detach().exp())
    assert len(found) == 8  # one layer that may become wider, and two places in two blocks
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_the_policy_learns_and_the_baseline_is_that_of_the_formula() -> None:
    optimizer = EAS(SPACE, nets=2, wider=1, deeper=0, start=1)
    (start,) = optimizer.ask(1)
    optimizer.tell([start], [0.5])
    assert optimizer.parent(start) is None
    asked = optimizer.ask(2)
    before = optimizer.policy.widen.bias.clone()
    optimizer.tell(asked, [0.5, 0.5])
    assert optimizer.measures()["baseline"] == pytest.approx(0.95)
    assert not torch.equal(before, optimizer.policy.widen.bias)
    assert all(optimizer.parent(each) in (None, start) for each in asked)


def test_it_continues_from_its_state() -> None:
    optimizer, again = EAS(SPACE, nets=3), EAS(SPACE, nets=3, seed=9)
    for loss in (0.5, 0.4, 0.3, 0.2, 0.6):
        optimizer.tell(optimizer.ask(1), [loss])
    waiting = optimizer.ask(2)
    again.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))
    for each in (optimizer, again):
        each.tell(waiting, [0.3, 0.1])
    assert optimizer.ask(3) == again.ask(3)


def test_other_spaces_are_refused() -> None:
    with pytest.raises(SettingError, match=r"^search.method: found eas for a space of op and"):
        EAS(SearchSpace({"op": ("a", "b")}))
