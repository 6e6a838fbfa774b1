"""Mixtures of cells, against the sampled forward pass and the definition of DARTS."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pdas.spaces.cells.mixture import CellMixture, CellRelaxation, EdgeRelaxation
from pdas.spaces.cells.space import CELL_TYPES, cell_space, decode
from pdas.spaces.cells.supernet import CellSupernet

OPERATIONS = ("identity", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
SIZE: dict[str, Any] = {"nodes": 3, "cells_per_stage": 1, "channels": 4, "in_channels": 1}


def normalised(p: torch.Tensor) -> Any:
    exact = p.double().numpy()
    return exact / exact.sum()


def logits_of(architecture: Any, large: float = 60.0) -> torch.Tensor:
    sizes = architecture.space.sizes
    return torch.cat(
        [large * torch.eye(K)[i] for i, K in zip(architecture.indices, sizes, strict=True)]
    )


def test_one_hot_variables_are_the_sampled_forward_pass() -> None:
    torch.manual_seed(0)
    net = CellSupernet(**SIZE)
    x, rng = torch.randn(4, 1, 12, 12), np.random.default_rng(0)
    relaxation = CellRelaxation(net.space)
    for _ in range(8):
        architecture = net.space.uniform(rng)
        coefficients = relaxation.coefficients(logits_of(architecture))
        mixed = net.forward_mixed(x, coefficients=coefficients)
        torch.testing.assert_close(mixed, net(x, architecture), atol=2e-5, rtol=1e-4)
        assert relaxation.architecture(logits_of(architecture)) == architecture


def test_coefficients_are_expectations_of_the_edges_under_theta() -> None:
    """c(b, s, o) is the expected number of such edges, q_b the probability of a loose end."""
    space = cell_space(3, OPERATIONS)
    relaxation = CellRelaxation(space)
    torch.manual_seed(1)
    logits = torch.randn(relaxation.size)
    found = relaxation.coefficients(logits)["normal"]
    p = relaxation.probabilities(logits)
    rng, n = np.random.default_rng(0), 4000
    rows = np.stack([rng.choice(len(each), n, p=normalised(each)) for each in p], axis=1)
    edges = [torch.zeros_like(each) for each in found.edges]
    ends = torch.zeros(3)
    for row in rows:
        plan = decode(space.architecture(row), "normal")
        for b, pair in enumerate(plan.nodes):
            for edge in pair:
                edges[b][edge.source, OPERATIONS.index(edge.operation)] += 1 / n
        ends[list(plan.loose_ends)] += 1 / n
    for estimate, exact in zip([*edges, ends], [*found.edges, found.ends], strict=True):
        assert float((estimate - exact).abs().max()) < 5 * (0.5 / n) ** 0.5


def test_darts_has_240_logits_for_the_papers_space() -> None:
    relaxation = EdgeRelaxation(cell_space(5, OPERATIONS))
    assert relaxation.size == 240
    edges = relaxation.coefficients(torch.zeros(240))["reduction"].edges
    assert [tuple(each.shape) for each in edges] == [(b + 2, 5) for b in range(5)]
    assert all(torch.allclose(each, torch.tensor(1 / 6)) for each in edges)


def test_darts_keeps_the_two_strongest_sources_of_a_node_and_never_none() -> None:
    space = cell_space(5, OPERATIONS)
    relaxation = EdgeRelaxation(space)
    torch.manual_seed(0)
    logits = 3 * torch.randn(240)
    rows = logits.reshape(2, 20, 6)
    rows[:, :, 0] += 2  # none is often the largest
    found = relaxation.architecture(rows.flatten())
    for kind, cell in zip(rows.softmax(2), CELL_TYPES, strict=True):
        begin = 0
        for b, pair in enumerate(decode(found, cell).nodes):
            own = kind[begin : begin + b + 2]
            begin += b + 2
            ranked = sorted(range(b + 2), key=lambda s: -float(own[s, 1:].max()))
            assert sorted(edge.source for edge in pair) == sorted(ranked[:2])
            for edge in pair:
                assert OPERATIONS[int(own[edge.source, 1:].argmax())] == edge.operation


def test_darts_normalises_poolings_only() -> None:
    """Of single edges: a pooling has mean 0 and variance 1, an identity is as it was."""
    torch.manual_seed(0)
    net = CellSupernet(nodes=1, cells_per_stage=1, channels=4, in_channels=1)
    cell: Any = net.cells[0]
    x = torch.randn(6, 12, 8, 8)
    nodes: list[torch.Tensor] = []
    cell.output.forward = lambda ends, *values: nodes.extend(values) or values[0]
    from pdas.spaces.cells.mixture import mixed_cell
    from pdas.spaces.cells.search_cell import CellMemo

    for o, name in enumerate(OPERATIONS):
        weights = torch.zeros(2, 5)
        weights[1, o] = 1.0
        mixed_cell(cell, x, x, CellMixture([weights], torch.ones(1), normalised=True), CellMemo())
        own = cell.edges[f"node0_from1_{name}"](cell.inputs[1](x))
        if "pool" in name:
            own = (own - own.mean((0, 2, 3), keepdim=True)) / (
                own.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
            ).sqrt()
        torch.testing.assert_close(nodes[-1], own, atol=1e-5, rtol=1e-4)
