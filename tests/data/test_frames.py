"""Squares of images, by their definitions."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from pdas.data.files import Files
from pdas.data.frames import center_square, clipped, flat, grid_squares, random_squares


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("width", "height", "size", "box"),
    [
        (10, 6, None, (2, 0, 8, 6)),
        (6, 11, None, (0, 2, 6, 8)),  # one pixel more after than before
        (7, 7, None, (0, 0, 7, 7)),
        (10, 8, 4, (3, 2, 7, 6)),
    ],
)
def test_the_central_square(
    width: int, height: int, size: int | None, box: tuple[int, int, int, int]
) -> None:
    assert center_square(width, height, size) == box


def test_random_squares_are_uniform_over_all_places() -> None:
    squares = random_squares(6, 5, 3, 6000, generator())
    assert all(
        right - left == bottom - top == 3 and left >= 0 and top >= 0 and right <= 6 and bottom <= 5
        for left, top, right, bottom in squares
    )
    drawn = Counter((left, top) for left, top, _, _ in squares)
    assert drawn.keys() == {(left, top) for left in range(4) for top in range(3)}
    assert chisquare(list(drawn.values())).pvalue > 1e-3


def test_random_squares_depend_on_the_generator_alone() -> None:
    first, again, other = (random_squares(50, 40, 8, 20, generator(seed)) for seed in (0, 0, 1))
    assert first == again != other


def test_a_square_as_large_as_the_image_has_one_place() -> None:
    assert set(random_squares(4, 4, 4, 5, generator())) == {(0, 0, 4, 4)}


@given(width=st.integers(1, 30), height=st.integers(1, 30), size=st.integers(1, 12))
def test_a_grid_covers_each_pixel_at_most_once(width: int, height: int, size: int) -> None:
    squares = grid_squares(width, height, size)
    assert len(squares) == (width // size) * (height // size)
    covered = Counter(
        (x, y)
        for left, top, right, bottom in squares
        for x in range(left, right)
        for y in range(top, bottom)
    )
    assert set(covered.values()) <= {1} and len(covered) == len(squares) * size**2
    assert all(x < width and y < height for x, y in covered)


@given(box=st.tuples(*[st.integers(-6, 12)] * 4), width=st.integers(1, 8), height=st.integers(1, 8))
def test_clipping_keeps_the_pixels_that_are_there(
    box: tuple[int, int, int, int], width: int, height: int
) -> None:
    left, top, right, bottom = box
    inside = {
        (x, y)
        for x in range(left, right)
        for y in range(top, bottom)
        if 0 <= x < width and 0 <= y < height
    }
    part = clipped(box, width, height)
    if part is None:
        assert not inside
    else:
        left, top, right, bottom = part
        assert inside == {(x, y) for x in range(left, right) for y in range(top, bottom)}


def test_boxes_follow_one_another_file_by_file() -> None:
    first, second, third = ((i, 0, i + 1, 1) for i in range(3))
    assert flat({"a": [first, second], "b": [third]}) == Files(
        ["a", "a", "b"], [first, second, third]
    )
