"""The order and the heights of a layered drawing."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from pdas.drawing.layered import Connection, arrange, count_crossings, order_layers, spread

Graph = tuple[list[list[str]], list[tuple[str, str]]]


def random_graph(seed: int, sizes: tuple[int, ...], density: float) -> Graph:
    rng = np.random.default_rng(seed)
    layers = [[f"{i}.{j}" for j in range(size)] for i, size in enumerate(sizes)]
    links = [pair for a, b in pairwise(layers) for pair in product(a, b) if rng.random() < density]
    return layers, links


def crossings_by_segments(layers: list[list[str]], links: list[tuple[str, str]]) -> int:
    """Counts pairs whose segments, drawn at integer heights, meet strictly between the layers."""
    at = {vertex: (i, j) for i, layer in enumerate(layers) for j, vertex in enumerate(layer)}
    count = 0
    for (a, b), (c, d) in combinations(links, 2):
        start, end = at[a][1] - at[c][1], at[b][1] - at[d][1]
        if at[a][0] == at[c][0] and start != end and 0 < start / (start - end) < 1:
            count += 1
    return count


@pytest.mark.parametrize("seed", range(10))
def test_crossings_are_those_of_the_segments(seed: int) -> None:
    layers, links = random_graph(seed, (4, 5, 3, 4), 0.5)
    assert count_crossings(layers, links) == crossings_by_segments(layers, links)


@pytest.mark.parametrize("seed", range(12))
def test_order_has_as_few_crossings_as_any(seed: int) -> None:
    layers, links = random_graph(seed, (2, 3, 4, 3), 0.4)
    fewest = min(
        count_crossings([layers[0], *map(list, rest)], links)
        for rest in product(*(permutations(layer) for layer in layers[1:]))
    )
    ordered = order_layers(layers, links)
    assert count_crossings(ordered, links) == fewest
    assert ordered[0] == layers[0]
    assert [sorted(layer) for layer in ordered] == [sorted(layer) for layer in layers]


def test_same_graph_same_order() -> None:
    layers, links = random_graph(3, (2, 6, 6, 5), 0.4)
    assert order_layers(layers, links) == order_layers(layers, links)


pulls_and_minima = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.lists(st.tuples(st.floats(-10, 10), st.floats(0.01, 100)), min_size=n, max_size=n),
        st.lists(st.floats(0, 3), min_size=n - 1, max_size=n - 1),
    )
)


@given(pulls_and_minima)
def test_spread_is_isotonic_regression(
    case: tuple[list[tuple[float, float]], list[float]],
) -> None:
    pulls, minima = case
    goals, weights = map(np.array, zip(*pulls, strict=True))
    offsets = np.concatenate([[0.0], np.cumsum(minima)])
    expected = isotonic_regression(goals - offsets, sample_weight=weights) + offsets
    np.testing.assert_allclose(spread(pulls, minima), expected, atol=1e-9)


def test_arrivals_are_even_and_sorted_by_where_they_come_from() -> None:
    depths = {"low": 0, "high": 0, "sum": 1}
    connections = [Connection("low", "sum"), Connection("high", "sum"), Connection("low", "sum")]
    arrangement = arrange(depths, connections, dict.fromkeys(depths, 1.0), {"sum": 0.5}, gap=0.2)
    arrivals = [path[-1] - arrangement.y["sum"] for path in arrangement.paths]
    assert arrivals == pytest.approx([0.0, 0.5, -0.5])
    assert [path[0] for path in arrangement.paths] == pytest.approx(
        [arrangement.y[connection.tail] for connection in connections]
    )
    assert arrangement.y["high"] - arrangement.y["low"] >= 1.2 - 1e-9


def test_long_line_passes_its_layers_clear_of_the_vertices() -> None:
    depths = {"a": 0, "b": 1, "c": 2, "d": 3}
    connections = [Connection(*pair) for pair in ("ab", "bc", "cd", "ad")]
    arrangement = arrange(
        depths, connections, dict.fromkeys(depths, 1.0), dict.fromkeys(depths, 0.0), gap=0.25
    )
    long = arrangement.paths[3]
    assert len(long) == 4
    for vertex, lane in zip("bc", long[1:3], strict=True):
        assert abs(lane - arrangement.y[vertex]) >= 0.75 - 1e-9


def test_long_line_is_level_although_its_head_is_pulled_elsewhere() -> None:
    depths = {"a": 0, "b": 0, "c": 1, "d": 2, "e": 3}
    connections = [Connection(*pair) for pair in ("bc", "cd", "de", "ae")]
    none = dict.fromkeys(depths, 0.0)
    arrangement = arrange(depths, connections, dict.fromkeys(depths, 0.3), none, gap=0.2)
    assert arrangement.y["d"] - arrangement.y["e"] > 0.3
    assert np.ptp(arrangement.paths[3]) < 0.01
