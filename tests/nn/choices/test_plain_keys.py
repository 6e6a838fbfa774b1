"""A choice that stands in place of a layer has the keys of that layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Choice, Linear, OptionalLayer, Repeat, Supernet, Value


class Inner(nn.Module):
    """Whose weights have names as "weight" and "0.weight" next to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3))
        self.add_module("0", nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.weight * self.get_submodule("0")(x)
        return out


def plain() -> nn.Module:
    stack = nn.Sequential()
    stack.add_module("first", Inner())
    stack.add_module("second", nn.Linear(3, 3))
    return nn.Sequential(Inner(), nn.Linear(3, 3), stack, nn.Sequential(Inner(), Inner()))


def with_choices(module: nn.Module) -> nn.Module:
    """The same with a choice around, or in place of, each part."""
    module[0] = OptionalLayer("outer", OptionalLayer("inner", module[0]))
    module[1] = OptionalLayer("elastic", Linear.of(module[1], in_features=Value("in", [3, 1])))
    module[2] = Repeat("named", module[2])
    module[3] = OptionalLayer("stack", Repeat("depth", module[3], keep="spread"))
    return module


def test_plain_weights_can_be_loaded_and_are_saved_again() -> None:
    expected = plain().state_dict()
    for choices in (with_choices(plain()), Supernet(with_choices(plain())).module):
        assert [*choices.state_dict()] == [*expected]
        choices.load_state_dict(expected)
        found = choices.state_dict()
        assert all(torch.equal(found[key], value) for key, value in expected.items())
        assert found._metadata.keys() >= expected._metadata.keys()  # type: ignore[attr-defined]
        assert found._metadata["0.0.0"]["version"] == 2  # type: ignore[attr-defined]
        plain().load_state_dict(found)


def test_a_choice_that_is_the_whole_has_them_too() -> None:
    layer = Inner()
    choice = OptionalLayer("extra", Inner())
    choice.load_state_dict(layer.state_dict())
    assert [*choice.state_dict()] == [*layer.state_dict()]
    assert torch.equal(choice.weight, layer.weight)


def test_missing_and_unexpected_keys_are_named_as_in_the_plain_module() -> None:
    choices = with_choices(plain())
    state = plain().state_dict()
    del state["0.weight"]
    state["2.first.other"] = torch.ones(1)
    found = choices.load_state_dict(state, strict=False)
    assert (found.missing_keys, found.unexpected_keys) == (["0.weight"], ["2.first.other"])
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0\.weight"'):
        choices.load_state_dict(state)


def test_what_stands_for_a_layer_has_a_name_of_its_own() -> None:
    choice = OptionalLayer("extra", nn.Sequential(nn.ReLU(), nn.Linear(2, 2)), nn.Linear(2, 2))
    keys = ["1.weight", "1.bias", "otherwise.weight", "otherwise.bias"]
    assert [*choice.state_dict()] == keys
    state = {
        key: torch.full_like(value, i) for i, (key, value) in enumerate(choice.state_dict().items())
    }
    choice.load_state_dict(state)
    assert all(torch.equal(choice.state_dict()[key], value) for key, value in state.items())


def test_a_choice_keeps_its_labels_apart() -> None:
    choice = Choice("op", {"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    assert [*choice.state_dict()] == ["0.weight", "0.bias", "1.weight", "1.bias"]
