"""Embeddings and recurrent layers of chosen widths against plain ones."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every

KINDS = {"LSTM": 4, "GRU": 3}


class Reader(nn.Module):
    """Reads words and gives two numbers for each."""

    def __init__(self, kind: str, **settings: object) -> None:
        super().__init__()
        words, width = Value("words", [3, 6]), Value("width", [2, 4, 5])
        self.embedding = P.Embedding(10, words, padding_idx=0)
        self.layer = getattr(P, kind)(words, width, batch_first=True, **settings)
        self.last = P.Linear(width + width if settings.get("bidirectional") else width, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layer(self.embedding(x))[0])


SETTINGS = ({}, {"num_layers": 2, "bidirectional": True}, {"bias": False, "num_layers": 3})


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_derived_networks_are_plain_and_do_the_same(kind: str, settings: dict[str, object]) -> None:
    net = Supernet(Reader(kind, **settings))
    x = torch.randint(10, (4, 7))
    cost = net.cost("parameters")
    for architecture in every(net):
        network = net.derive(architecture, keep_weights=True)
        assert type(network.layer) is getattr(nn, kind)
        assert torch.equal(net(x, architecture), network(x))
        assert cost(architecture) == sum(w.numel() for w in network.parameters())
        net.zero_grad()
        network.zero_grad()
        net(x, architecture).square().sum().backward()
        network(x).square().sum().backward()
        used = sum(w.numel() for w in net.parameters() if w.grad is not None)
        assert used == cost(architecture)
        norm = torch.stack([w.grad.norm() for w in net.parameters() if w.grad is not None]).norm()
        expected = torch.stack([w.grad.norm() for w in network.parameters()]).norm()
        torch.testing.assert_close(norm, expected)
        net.derive(architecture)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_multiply_adds_of_both_widths(kind: str, settings: dict[str, object]) -> None:
    net = Supernet(Reader(kind, **settings))
    cost = net.cost("multiply_adds", torch.randint(10, (4, 7)))
    for architecture in every(net):
        network = net.derive(architecture)
        weights = [*network.layer.parameters(), network.last.weight]
        # Each word is multiplied with each weight once.
        assert cost(architecture) == 4 * 7 * sum(w.numel() for w in weights if w.dim() == 2)


@pytest.mark.parametrize("kind", KINDS)
def test_each_gate_is_cut(kind: str) -> None:
    plain = getattr(nn, kind)(3, 5)
    net = Supernet(getattr(P, kind).of(plain, hidden_size=Value("width", [2, 5])))
    network = net.derive(net.space.architecture({"width": 2}), keep_weights=True)
    rows = [5 * gate + row for gate in range(KINDS[kind]) for row in (0, 1)]
    assert torch.equal(network.weight_ih_l0, plain.weight_ih_l0[rows])
    assert torch.equal(network.weight_hh_l0, plain.weight_hh_l0[rows][:, :2])
    assert torch.equal(network.bias_ih_l0, plain.bias_ih_l0[rows])


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_at_full_width_it_is_the_trained_layer(kind: str, settings: dict[str, object]) -> None:
    plain = getattr(nn, kind)(3, 5, **settings)
    elastic = getattr(P, kind).of(plain, hidden_size=Value("width", [2, 5]))
    net = Supernet(elastic)
    x = torch.randn(7, 4, 3)
    packed = pack_padded_sequence(x, [7, 6, 2, 2])
    architecture = net.space.architecture({"width": 5})
    assert torch.equal(net(x, architecture)[0], plain(x)[0])
    assert torch.equal(net(packed, architecture)[0].data, plain(packed)[0].data)
    assert torch.equal(net(x[:, 0], architecture)[0], plain(x[:, 0])[0])
    assert elastic.state_dict().keys() == plain.state_dict().keys()
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.double().float()):
        assert torch.equal(copied(x, architecture)[0], plain(x)[0])


def test_a_trained_embedding_keeps_its_vectors() -> None:
    plain = nn.Embedding(10, 6, padding_idx=2)
    net = Supernet(P.Embedding.of(plain, embedding_dim=Value("width", [2, 6])))
    x = torch.randint(10, (4, 3))
    assert torch.equal(net(x, net.space.architecture({"width": 6})), plain(x))
    narrow = net.derive(net.space.architecture({"width": 2}), keep_weights=True)
    assert torch.equal(narrow(x), plain(x)[..., :2])
    assert narrow.padding_idx == 2


def test_an_embedding_and_the_last_layer_may_be_tied() -> None:
    width = Value("width", [2, 6])
    module = nn.Sequential(P.Embedding(10, width), P.Linear(width, 10, bias=False))
    module[1].weight = module[0].weight
    net = Supernet(module)
    for architecture in every(net):
        network = net.derive(architecture)
        assert network[0].weight is network[1].weight
        assert net.cost("parameters")(architecture) == 10 * int(architecture["width"])


def test_an_embedding_that_changes_its_weight_is_refused() -> None:
    with pytest.raises(NetworkError, match="found max_norm = 1"):
        P.Embedding.of(nn.Embedding(3, 4, max_norm=1.0), embedding_dim=Value("width", [2, 4]))
