from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdas.space import Architecture, Categorical, SearchSpace
from pdas.support.errors import RunError, SpaceError

SPACE = SearchSpace({"op": ["conv3", "conv5", "skip"], "width": [64, 128, 256], "bias": [True]})

labels = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False).filter(np.isfinite),
)
spaces = st.dictionaries(
    st.text(min_size=1, max_size=5),
    st.lists(labels, min_size=1, max_size=6, unique=True),
    min_size=1,
    max_size=6,
).map(SearchSpace)


def test_a_space_is_its_ordered_variables() -> None:
    assert SPACE.names == ("op", "width", "bias")
    assert SPACE.sizes.tolist() == [3, 3, 1]
    assert len(SPACE) == 3
    assert SPACE["width"] == (64, 128, 256)
    assert SPACE.variables[0] == Categorical("op", ("conv3", "conv5", "skip"))
    assert SPACE.position("bias") == 2


def test_equality_is_by_content_and_order() -> None:
    same = SearchSpace({"op": ("conv3", "conv5", "skip"), "width": (64, 128, 256), "bias": (True,)})
    assert same == SPACE and hash(same) == hash(SPACE)
    assert SearchSpace({name: SPACE[name] for name in ("width", "op", "bias")}) != SPACE
    assert SearchSpace({**SPACE, "op": ("conv3", "conv5", "skip", "none")}) != SPACE
    assert SPACE.to_dict() != SPACE


def test_an_architecture_has_two_faces() -> None:
    by_label = SPACE.architecture({"width": 128, "op": "conv3", "bias": True})
    by_index = SPACE.architecture([0, 1, 0])
    assert by_label == by_index and hash(by_label) == hash(by_index)
    assert by_index.indices.tolist() == [0, 1, 0]
    assert by_index["op"] == "conv3" and by_index["width"] == 128
    assert by_index.to_dict() == {"op": "conv3", "width": 128, "bias": True}
    assert by_index != SPACE.architecture([0, 2, 0])
    assert SPACE.architecture(by_index) == by_index
    assert by_index.space is SPACE


def test_architectures_of_different_spaces_differ() -> None:
    other = SearchSpace({**SPACE, "width": (64, 128, 512)})
    assert SPACE.architecture([0, 0, 0]) != other.architecture([0, 0, 0])


def test_many_architectures_at_once() -> None:
    indices = np.array([[0, 1, 0], [2, 2, 0]])
    many = SPACE.architectures(indices)
    assert many == [SPACE.architecture(row) for row in indices]
    indices[0, 0] = 2
    assert many[0]["op"] == "conv3"
    assert SPACE.architectures(np.empty((0, 3), dtype=int)) == []


def test_an_architecture_cannot_change() -> None:
    architecture: Any = SPACE.architecture([0, 1, 0])
    with pytest.raises(ValueError, match="read-only"):
        architecture.indices[0] = 1
    with pytest.raises(AttributeError):
        architecture.indices = np.array([1, 1, 0])
    with pytest.raises(TypeError):
        architecture["op"] = "skip"
    sizes: Any = SPACE.sizes
    with pytest.raises(ValueError, match="read-only"):
        sizes[0] = 9


def test_it_prints() -> None:
    architecture = SPACE.architecture([2, 0, 0])
    assert str(architecture) == "op     skip\nwidth  64\nbias   True"
    assert eval(repr(SPACE)) == SPACE
    assert repr(architecture) == "Architecture({'op': 'skip', 'width': 64, 'bias': True})"


@given(spaces, st.integers(0, 2**32 - 1))
def test_json_keeps_spaces_and_architectures(space: SearchSpace, seed: int) -> None:
    restored = SearchSpace(json.loads(json.dumps(space.to_dict())))
    assert restored == space
    architecture = space.uniform(np.random.default_rng(seed))
    assert restored.from_json(architecture.to_json()) == architecture
    types = [type(label) for label in architecture.values]
    assert types == [type(label) for label in restored.from_json(architecture.to_json()).values]


def test_a_file_keeps_an_architecture(tmp_path: Path) -> None:
    architecture = SPACE.architecture([1, 2, 0])
    architecture.save(tmp_path / "architecture.json")
    assert SPACE.load(tmp_path / "architecture.json") == architecture
    assert json.loads((tmp_path / "architecture.json").read_text()) == architecture.to_dict()


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    SPACE.architecture([1, 2, 0]).save(tmp_path / "architecture.json")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"architecture.json: cannot be written \(No space"):
        SPACE.architecture([0, 0, 0]).save(tmp_path / "architecture.json")
    assert [file.name for file in tmp_path.iterdir()] == ["architecture.json"]
    assert SPACE.load(tmp_path / "architecture.json") == SPACE.architecture([1, 2, 0])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies_are_equal_and_read_only(copied: Callable[[Architecture], Architecture]) -> None:
    architecture = SPACE.architecture([1, 2, 0])
    duplicate = copied(architecture)
    assert duplicate == architecture and hash(duplicate) == hash(architecture)
    assert not duplicate.indices.flags.writeable


def test_uniform_draws_are_uniform() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([SPACE.uniform(rng).indices for _ in range(9000)])
    counts = np.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=9)
    assert ((counts - 1000) ** 2 / 1000).sum() < 26.1  # chi-square, 8 degrees, p = 0.001


BAD_SPACES: dict[str, tuple[Any, str]] = {
    "no variables": ({}, "non-empty mapping"),
    "not a mapping": (["op"], "non-empty mapping"),
    "a name that is no string": ({1: ["a"]}, "variable name: found 1"),
    "an empty name": ({"": ["a"]}, "variable name: found ''"),
    "no categories": ({"op": []}, "'op': found no categories"),
    "categories in one string": ({"op": "abc"}, "'op': found 'abc'"),
    "categories in no order": ({"op": {"a", "b"}}, "'op': found"),
    "a duplicate": ({"op": ["a", "b", "a"]}, "'op': found duplicate category 'a'"),
    "equal numbers": ({"op": [1, True]}, "'op': found duplicate category True"),
    "NaN": ({"op": [float("nan")]}, "'op': found category nan"),
    "an object": ({"op": [("a",)]}, r"'op': found category \('a',\)"),
}


@pytest.mark.parametrize("case", BAD_SPACES)
def test_bad_spaces(case: str) -> None:
    variables, message = BAD_SPACES[case]
    with pytest.raises(SpaceError, match=message) as caught:
        SearchSpace(variables)
    assert "\n" not in str(caught.value)


BAD_ARCHITECTURES: dict[str, tuple[Any, str]] = {
    "a missing variable": ({"op": "skip", "width": 64}, "found missing variables 'bias'"),
    "an unknown variable": (
        {**SPACE.architecture([0, 0, 0]).to_dict(), "x": 1},
        "found unknown variables 'x'",
    ),
    "an unknown label": (
        {"op": "pool", "width": 64, "bias": True},
        "'op': found unknown label 'pool'",
    ),
    "a label of another type": (
        {"op": "skip", "width": "64", "bias": True},
        "'width': found unknown label '64'",
    ),
    "an unhashable label": (
        {"op": ["skip"], "width": 64, "bias": True},
        "'op': found unknown label",
    ),
    "too few indices": ([0, 0], r"shape \(2,\), expected \(3,\)"),
    "too many indices": ([0, 0, 0, 0], r"shape \(4,\), expected \(3,\)"),
    "one index": (0, r"shape \(\), expected \(3,\)"),
    "a table": ([[0, 0, 0]], r"shape \(1, 3\), expected \(3,\)"),
    "ragged rows": ([[0], [0, 0]], "rows of different lengths"),
    "an index too large": ([0, 3, 0], "'width': found index 3 out of range, expected 0 to 2"),
    "a negative index": ([-1, 0, 0], "'op': found index -1 out of range"),
    "indices that are no integers": ([0.0, 1.0, 0.0], "float64 indices, expected integers"),
}


@pytest.mark.parametrize("case", BAD_ARCHITECTURES)
def test_bad_architectures(case: str) -> None:
    assignment, message = BAD_ARCHITECTURES[case]
    with pytest.raises(SpaceError, match=message) as caught:
        SPACE.architecture(assignment)
    assert "\n" not in str(caught.value)


def test_a_table_of_indices_must_have_a_column_for_each_variable() -> None:
    with pytest.raises(SpaceError, match=r"shape \(2, 2\), expected \(n, 3\)"):
        SPACE.architectures([[0, 0], [0, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[0, 1, 0]", "expected a JSON object"),
        ("{}", "found missing variables"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "architecture.json"
    path.write_text(text)
    with pytest.raises(SpaceError, match=message) as caught:
        SPACE.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="cannot be read"):
        SPACE.load(tmp_path / "nothing.json")
