"""Layered drawing of a small directed graph: what stands above what, and how high.

The method of Sugiyama, Tagawa and Toda (1981). Vertices stand in layers from left to right. A
connection that spans several layers is cut into links between neighbouring layers by lanes,
vertices of no height, so that it passes between the others. Then the layers are ordered for few
crossings, and last everything gets a height at which lines are straight and nothing touches.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

_RESTARTS = 20  # of the search for an order
_SWEEPS = 6  # over the layers, in each
_PASSES = 300  # over the layers, to settle the heights
_LEVEL = 0.001  # a climb that counts as none
_FAINT = 1e-6

Layers = list[list[str]]


@dataclass(frozen=True)
class Connection:
    """A line from a vertex to one of a later layer.

    Example:
        Connection("input", "node1")
    """

    tail: str
    head: str


@dataclass(frozen=True)
class Arrangement:
    """Heights, upwards.

    Attributes:
        y: of the centre of every vertex.
        paths: of the connections, each with the y of its tail, of its lane in every layer passed,
            and of its arrival at the head.

    Example:
        arrange(depths, connections, heights, pitches, gap=0.2).y["node1"]
    """

    y: Mapping[str, float]
    paths: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class _Link:
    """A piece of a connection between neighbouring layers; it arrives `port` above the centre."""

    tail: str
    head: str
    port: float
    weight: float  # how much it wants to be straight


def arrange(
    depths: Mapping[str, int],
    connections: Sequence[Connection],
    heights: Mapping[str, float],
    pitches: Mapping[str, float],
    gap: float,
) -> Arrangement:
    """Arrange a graph for few crossings and straight lines.

    Args:
        depths: the layer of every vertex, from 0.
        connections: each to a later layer.
        heights: of the vertices. Neighbours in a layer, lanes too, are `gap` apart or more.
        pitches: distance between the arrivals at a vertex, which lie evenly about its centre.
        gap: in the unit of the heights.

    Returns:
        Where everything stands, in the unit of the heights.
    """
    chains = [_chain(i, connection, depths) for i, connection in enumerate(connections)]
    layers: Layers = [[] for _ in range(max(depths.values()) + 1)]
    for vertex, depth in depths.items():
        layers[depth].append(vertex)
    for chain in chains:
        for depth, lane in enumerate(chain[1:-1], start=depths[chain[0]] + 1):
            layers[depth].append(lane)
    layers = order_layers(layers, [pair for chain in chains for pair in pairwise(chain)])
    ports = _ports(chains, layers, pitches)
    y = _settle(layers, _links(chains, ports, depths), heights, gap)
    paths = [
        (*(y[vertex] for vertex in chain[:-1]), y[chain[-1]] + port)
        for chain, port in zip(chains, ports, strict=True)
    ]
    return Arrangement({vertex: y[vertex] for vertex in depths}, tuple(paths))


def _chain(index: int, connection: Connection, depths: Mapping[str, int]) -> list[str]:
    """The vertices and lanes that a connection runs through."""
    passed = range(depths[connection.tail] + 1, depths[connection.head])
    return [connection.tail, *(f"lane {index} at {depth}" for depth in passed), connection.head]


def _ports(
    chains: Sequence[Sequence[str]], layers: Layers, pitches: Mapping[str, float]
) -> list[float]:
    """Where each chain arrives, above the centre of its head, so that no two cross before it."""
    position = _positions(layers)
    arrivals = defaultdict(list)
    for i, chain in enumerate(chains):
        arrivals[chain[-1]].append(i)
    ports = [0.0] * len(chains)
    for head, members in arrivals.items():
        members.sort(key=lambda i: (position[chains[i][-2]], -i))  # of equals the first on top
        for rank, i in enumerate(members):
            ports[i] = (rank - (len(members) - 1) / 2) * pitches[head]
    return ports


def _links(
    chains: Sequence[Sequence[str]], ports: Sequence[float], depths: Mapping[str, int]
) -> list[_Link]:
    """The pieces of all chains; the more of its ends are lanes, the straighter a piece is to be."""
    links = []
    for chain, port in zip(chains, ports, strict=True):
        for tail, head in pairwise(chain):
            lanes = (tail not in depths) + (head not in depths)
            weight = (1.0, 4.0, 8.0)[lanes]
            links.append(_Link(tail, head, port if head == chain[-1] else 0.0, weight))
    return links


def order_layers(layers: Sequence[Sequence[str]], links: Sequence[tuple[str, str]]) -> Layers:
    """The layers with their vertices ordered, bottom to top, for few crossings of the links.

    Barycentre sweeps from several shuffled starts; the same graph always gets the same order.
    The first layer stays as it is: a drawing has as many crossings as its mirror image.

    Args:
        layers: the vertices of each, left to right.
        links: between neighbouring layers.
    """
    rng = random.Random(0)
    best = [list(layer) for layer in layers]
    fewest = count_crossings(best, links)
    for _ in range(_RESTARTS):
        trial = [list(layers[0]), *(rng.sample(layer, len(layer)) for layer in layers[1:])]
        for _ in range(_SWEEPS):
            _sweep(trial, links)
            crossings = count_crossings(trial, links)
            if crossings < fewest:
                best, fewest = [list(layer) for layer in trial], crossings
    return best


def count_crossings(layers: Sequence[Sequence[str]], links: Sequence[tuple[str, str]]) -> int:
    """The number of pairs of links that cross, not counting those that share an end.

    Args:
        layers: the vertices of each, bottom to top.
        links: between neighbouring layers.
    """
    position = _positions(layers)
    layer_of = {vertex: i for i, layer in enumerate(layers) for vertex in layer}
    between = defaultdict(list)
    for tail, head in links:
        between[layer_of[tail]].append((position[tail], position[head]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for pairs in between.values()
        for a, b in combinations(pairs, 2)
    )


def _sweep(layers: Layers, links: Sequence[tuple[str, str]]) -> None:
    """Sort every layer but the first by the mean position of its neighbours, there and back."""
    before, after = defaultdict(list), defaultdict(list)
    for tail, head in links:
        before[head].append(tail)
        after[tail].append(head)
    for neighbours, order in ((before, layers[1:]), (after, layers[-2:0:-1])):
        position = _positions(layers)
        for layer in order:
            means = {
                vertex: sum(position[other] for other in neighbours[vertex])
                / len(neighbours[vertex])
                for vertex in layer
                if vertex in neighbours
            }
            layer.sort(key=lambda vertex: means.get(vertex, position[vertex]))
            position.update({vertex: i for i, vertex in enumerate(layer)})


def _positions(layers: Sequence[Sequence[str]]) -> dict[str, int]:
    """Where every vertex stands in its layer, from 0 at the bottom."""
    return {vertex: i for layer in layers for i, vertex in enumerate(layer)}


def _settle(
    layers: Layers, links: Sequence[_Link], heights: Mapping[str, float], gap: float
) -> dict[str, float]:
    """Heights at which links climb little, and long ones in one bend rather than in several.

    Layer by layer, there and back, every vertex goes to the mean of the heights at which its links
    would be level. Links at lanes count by their absolute climb and so become level if they can
    (reweighted least squares), links between vertices by its square and so come out balanced.
    """
    ends: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for link in links:
        ends[link.head].append((link.tail, -link.port, link.weight))
        ends[link.tail].append((link.head, link.port, link.weight))
    minima = [
        [(heights.get(a, 0.0) + heights.get(b, 0.0)) / 2 + gap for a, b in pairwise(layer)]
        for layer in layers
    ]
    y = {vertex: float(i) for layer in layers for i, vertex in enumerate(layer)}

    def pull(vertex: str, middle: float, level: float) -> tuple[float, float]:
        """Where to, and how strongly; without links, faintly to the middle of the layer."""
        total, strength = _FAINT * middle, _FAINT
        for other, shift, weight in ends[vertex]:
            goal = y[other] + shift
            if weight > 1:
                weight /= max(abs(goal - y[vertex]), level)
            total, strength = total + weight * goal, strength + weight
        return total / strength, strength

    for number in range(_PASSES):
        level = _LEVEL ** (number / _PASSES)  # least squares at first, which does not get stuck
        for i in range(len(layers)) if number % 2 == 0 else reversed(range(len(layers))):
            middle = sum(y[vertex] for vertex in layers[i]) / len(layers[i])
            pulls = [pull(vertex, middle, level) for vertex in layers[i]]
            y.update(zip(layers[i], spread(pulls, minima[i]), strict=True))
    return y


def spread(pulls: Sequence[tuple[float, float]], minima: Sequence[float]) -> list[float]:
    """The n heights nearest to their goals that keep n - 1 minimal distances, upwards.

    Pool adjacent violators: what would come too close moves to its weighted mean as one block.

    Args:
        pulls: the goals, and the weights of the squared distances to them.
        minima: the distances.

    Returns:
        The heights, in order.
    """
    offsets = [0.0]
    for minimum in minima:
        offsets.append(offsets[-1] + minimum)
    blocks: list[tuple[float, float, int]] = []  # mean, weight and number of members
    for (goal, weight), offset in zip(pulls, offsets, strict=True):
        mean, members = goal - offset, 1
        while blocks and blocks[-1][0] > mean:
            below, its_weight, its_members = blocks.pop()
            mean = (mean * weight + below * its_weight) / (weight + its_weight)
            weight, members = weight + its_weight, members + its_members
        blocks.append((mean, weight, members))
    means = [mean for mean, _, members in blocks for _ in range(members)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
