from __future__ import annotations

import pytest
from cell_helpers import ignoring, random_architectures

from pdas.space import Architecture
from pdas.spaces.cells.layout import auxiliary_cell, check_image_size, layout, needed_cells
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import CellPlan, cell_space, decode
from pdas.support.errors import SettingError

SPACE = cell_space(5, CellSettings().operations)


def plans(architecture: Architecture) -> dict[str, CellPlan]:
    return {cell: decode(architecture, cell) for cell in ("normal", "reduction")}


def test_the_search_network_of_the_paper() -> None:
    rows = [
        (p.kind[0], p.channels, p.in_channels, p.halve_prev_prev) for p in layout(CellSettings())
    ]
    assert rows == [
        ("n", 16, (48, 48), False),
        ("n", 16, (48, 16), False),
        ("r", 32, (16, 16), False),
        ("n", 32, (16, 32), True),
        ("n", 32, (32, 32), False),
        ("r", 64, (32, 32), False),
        ("n", 64, (32, 64), True),
        ("n", 64, (64, 64), False),
    ]
    assert (CellSettings().stem_channels, CellSettings().out_channels) == (48, 64)


@pytest.mark.parametrize(("cells_per_stage", "cells"), [(1, 5), (2, 8), (6, 20)])
def test_three_stages_with_a_reduction_between_them(cells_per_stage: int, cells: int) -> None:
    kinds = [p.kind for p in layout(CellSettings(cells_per_stage=cells_per_stage))]
    assert len(kinds) == cells
    assert kinds.count("reduction") == 2
    assert kinds[cells_per_stage] == kinds[2 * cells_per_stage + 1] == "reduction"


def test_only_operations_on_the_inputs_of_a_reduction_cell_have_stride_two() -> None:
    for position in layout(CellSettings()):
        strides = [position.stride(source) for source in range(6)]
        assert strides == ([2, 2, 1, 1, 1, 1] if position.kind == "reduction" else [1] * 6)


def test_needed_cells_are_those_with_a_way_to_the_last() -> None:
    for cells_per_stage in (1, 2, 3):
        positions = layout(CellSettings(cells_per_stage=cells_per_stage))
        base = random_architectures(SPACE, 20)
        for architecture in (*base, *(ignoring(a, "prev", ["normal"]) for a in base)):
            cells = plans(architecture)
            reached, open_ends = set(), {len(positions) - 1}
            while open_ends:
                index = open_ends.pop()
                reached.add(index)
                for source in cells[positions[index].kind].sources & {0, 1}:
                    if index - 2 + source >= 0:
                        open_ends.add(index - 2 + source)
            needed = needed_cells(positions, cells)
            assert {i for i, is_needed in enumerate(needed) if is_needed} == reached


def test_cells_that_are_passed_by_are_not_needed() -> None:
    architecture = ignoring(random_architectures(SPACE, 1)[0], "prev")
    assert needed_cells(layout(CellSettings()), plans(architecture)) == [False, True] * 4


def test_the_auxiliary_classifier_reads_the_second_reduction_or_the_next_cell() -> None:
    positions = layout(CellSettings())
    assert auxiliary_cell(positions, [True] * 8) == 5
    positions = layout(CellSettings(cells_per_stage=1))
    assert auxiliary_cell(positions, [True] * 5) == 3
    assert auxiliary_cell(positions, [True, False, True, False, True]) == 4


def test_images_need_eight_pixels_a_side() -> None:
    check_image_size(8)
    with pytest.raises(SettingError, match=r"image size: found 7x7, expected at least 8x8 .*data"):
        check_image_size(7)
