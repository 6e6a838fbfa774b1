"""Classical inpainting, to compare with."""

from __future__ import annotations

from multiprocessing import get_context

import torch

from pdas.data.masks import find_mask
from pdas.tasks.inpainting.baselines import biharmonic, restoring_processes


def test_a_plane_is_restored_and_what_is_seen_stays() -> None:
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    plane = ((rows + 2 * columns) / 60).expand(3, 2, 16, 16).clone()
    hidden = find_mask("center")(plane, torch.Generator())
    restored = biharmonic(plane.masked_fill(hidden, 0), hidden)
    torch.testing.assert_close(restored, plane, atol=1e-5, rtol=0)


def test_an_image_that_is_hidden_altogether_stays_black() -> None:
    images = torch.zeros(1, 3, 8, 8)
    assert torch.equal(biharmonic(images, torch.ones(1, 1, 8, 8, dtype=torch.bool)), images)


def restoring() -> None:
    with restoring_processes():
        biharmonic(torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8) > 0.5)


def test_a_process_that_restores_ends_by_itself() -> None:
    process = get_context("spawn").Process(target=restoring)
    process.start()
    process.join(120)
    ended = process.exitcode
    process.kill()
    assert ended == 0
