"""An architecture is a value: read like a mapping, but none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from lightning_utilities.core.apply_func import apply_to_collection

from pdas.space import Architecture, SearchSpace, as_labels, check_architecture, check_space
from pdas.space.probabilities import probability_array
from pdas.support.errors import OptimizerError, SpaceError

SPACE = SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128], "bias": [True, False]})
OTHER = SearchSpace({**SPACE, "width": [64, 256]})
ARCHITECTURE = SPACE.architecture([1, 0, 1])


def test_it_is_read_by_name() -> None:
    assert ARCHITECTURE["op"] == "conv5" and ARCHITECTURE["bias"] is False
    assert "op" in ARCHITECTURE and "x" not in ARCHITECTURE
    assert ARCHITECTURE.values == ("conv5", 64, False)
    with pytest.raises(KeyError, match="x"):
        ARCHITECTURE["x"]


def test_it_is_no_mapping_and_nothing_to_iterate_over() -> None:
    architecture: Any = ARCHITECTURE
    assert not isinstance(architecture, Mapping)
    for use in (dict, list, len):
        with pytest.raises(TypeError):
            use(architecture)


def test_what_rebuilds_collections_passes_it_on() -> None:
    """As Fabric does with the arguments of a network."""
    arguments = [{"architecture": ARCHITECTURE}, (ARCHITECTURE,)]
    (named, (passed_on,)) = apply_to_collection(arguments, np.ndarray, lambda array: array + 1)
    assert named["architecture"] is passed_on is ARCHITECTURE


def test_values_and_indices_follow_from_each_other() -> None:
    by_values = Architecture(SPACE, ("conv5", 64, False))
    by_indices = Architecture(SPACE, indices=np.array([1, 0, 1]))
    assert by_values == by_indices == ARCHITECTURE and hash(by_values) == hash(by_indices)
    assert by_values.indices.tolist() == [1, 0, 1] and not by_values.indices.flags.writeable
    assert by_indices.values == ("conv5", 64, False)


def test_a_label_is_kept_as_the_space_has_it() -> None:
    assert SPACE.architecture({"op": "conv5", "width": 64.0, "bias": 0}).to_json() == (
        ARCHITECTURE.to_json()
    )


def test_it_takes_no_further_attribute() -> None:
    architecture: Any = ARCHITECTURE
    for name in ("space", "values", "indices", "other"):
        with pytest.raises(AttributeError):
            setattr(architecture, name, 1)


def test_labels_of_either_form() -> None:
    labels = {"op": "conv5", "width": 64, "bias": False}
    assert as_labels(ARCHITECTURE) == as_labels(labels) == labels


def test_what_is_of_the_space_passes() -> None:
    twin = SearchSpace(SPACE.to_dict())
    check_architecture("tell", twin.architecture([0, 0, 0]), SPACE)
    check_space("cost", twin.architecture([0, 0, 0]), SPACE)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (OTHER.architecture([0, 0, 0]), "found an architecture of another search space"),
        (ARCHITECTURE.to_dict(), "found {.*}, no architecture"),
        (SPACE, "found SearchSpace.*, no architecture"),
        (None, "found None, no architecture"),
    ],
)
def test_what_is_no_architecture_of_the_space_is_refused(found: Any, message: str) -> None:
    with pytest.raises(OptimizerError, match=rf"^tell: {message}.*, expected .*; make") as caught:
        check_architecture("tell", found, SPACE, OptimizerError)
    assert "\n" not in str(caught.value)


def test_a_thing_of_another_space_is_refused() -> None:
    class Thing:
        space = OTHER

    for thing, name in ((Thing(), "Thing"), (3, "int")):
        with pytest.raises(SpaceError, match=rf"^limit\.cost: found {name} of another .*; make"):
            check_space("limit.cost", thing, SPACE)


def test_probabilities_as_an_array() -> None:
    array = probability_array(
        SearchSpace({"a": [1, 2, 3], "b": [4, 5]}), {"b": [0.25, 0.75], "a": [0.5, 0.5, 0]}
    )
    assert array.tolist() == [0.5, 0.5, 0, 0.25, 0.75]
