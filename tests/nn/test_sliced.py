"""Slices of a weight that is kept in blocks."""

from __future__ import annotations

from itertools import product

import torch

from pdas.nn.sliced import SlicedWeight

ROWS, COLUMNS = (2, 3, 7), (1, 4)


def test_slices_are_those_of_the_whole() -> None:
    whole = torch.randn(7, 4, 3, 3)
    weight = SlicedWeight(whole, ROWS, COLUMNS)
    for m, n in product(ROWS, COLUMNS):
        assert torch.equal(weight(m, n), whole[:m, :n])


def test_only_what_is_used_has_a_gradient_and_it_is_that_of_the_whole() -> None:
    whole = torch.randn(7, 4, 3, 3, requires_grad=True)
    factors = torch.randn(7, 4, 3, 3)
    for m, n in product(ROWS, COLUMNS):
        weight = SlicedWeight(whole, ROWS, COLUMNS)
        (weight(m, n) * factors[:m, :n]).sum().backward()
        touched = [block for block in weight.parameters() if block.grad is not None]
        assert sum(block.numel() for block in touched) == m * n * 9
        for block in weight.parameters():  # as if each were used, to put them together
            block.grad = torch.zeros_like(block) if block.grad is None else block.grad
            block.data = block.grad
        expected = torch.zeros(7, 4, 3, 3)
        expected[:m, :n] = factors[:m, :n]
        assert torch.equal(weight(7, 4), expected)
