"""Networks from their `network.json`, which may be missing, damaged or of another version."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.settings import AutoencoderSize
from pdas.spaces.autoencoders.space import autoencoder_space
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import RunError
from pdas.tasks.classification.description import ClassifierDescription
from pdas.tasks.description import Description, read_network
from pdas.tasks.inpainting.description import RestorerDescription

SETTINGS = CellSettings(nodes=2, cells_per_stage=1, channels=4, in_channels=3, classes=2)
SIZE = AutoencoderSize(layers=3, channels=(2, 4), image_channels=3, height=8, width=12)
CELLS = cell_space(2, tuple(OPERATIONS)).uniform(np.random.default_rng(0))
CHAIN = autoencoder_space(SIZE).uniform(np.random.default_rng(0))
CLASSIFIER = ClassifierDescription(
    architecture=CELLS.to_dict(),
    network=SETTINGS,
    image_shape=(3, 8, 8),
    mean=(0.5, 0.4, 0.3),
    std=(0.1, 0.2, 0.3),
    classes=("katt", "hänsyn"),
)
RESTORER = RestorerDescription(architecture=CHAIN.to_dict(), network=SIZE, image_shape=(3, 8, 12))


def written(description: Description, path: Path) -> Path:
    path.write_text(description.model_dump_json(), encoding="utf-8")
    return path


def test_networks_are_built_as_they_were(tmp_path: Path) -> None:
    cells = read_network(written(CLASSIFIER, tmp_path / "network.json"))
    assert isinstance(cells, CellNetwork) and cells.settings == SETTINGS
    chain = read_network(str(written(RESTORER, tmp_path / "network.json")))
    assert isinstance(chain, AutoencoderNetwork)
    for found, expected in (
        (cells, CellNetwork(CELLS, SETTINGS)),
        (chain, AutoencoderNetwork(CHAIN, 3, (8, 12))),
    ):
        shapes = {name: weight.shape for name, weight in expected.state_dict().items()}
        assert {name: weight.shape for name, weight in found.state_dict().items()} == shapes


@pytest.mark.parametrize("description", [CLASSIFIER, RESTORER])
def test_a_description_is_read_back(description: Description) -> None:
    assert type(description).model_validate_json(description.model_dump_json()) == description


def test_programs_do_what_their_images_need() -> None:
    images = torch.rand(2, 3, 8, 12)
    network = CLASSIFIER.build().eval()
    x = torch.stack([(images[:, c] - m) / s for c, m, s in zip(range(3), *_scale(), strict=True)])
    expected = network(x.transpose(0, 1))
    torch.testing.assert_close(CLASSIFIER.program(network)(images), expected)
    chain = RESTORER.build()
    torch.testing.assert_close(RESTORER.program(chain)(images), chain(images).clamp(0, 1))


def _scale() -> tuple[tuple[float, ...], tuple[float, ...]]:
    return CLASSIFIER.mean, CLASSIFIER.std


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "network.json"
    with pytest.raises(RunError, match=rf"^{file}: missing, .*; check the path$"):
        read_network(file)


def drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda found: found.pop(key)


def put(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda found: found.update({key: value})


def network(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda found: found["network"].update({key: value})


@pytest.mark.parametrize(
    ("description", "damage", "message"),
    [
        (CLASSIFIER, drop("format"), "format None"),
        (CLASSIFIER, put("format", 2), r"format 2 of pdas 0\.\S+, while pdas \S+ reads format 3"),
        (CLASSIFIER, drop("task"), "task: found 'None', expected one of classification, .*inpaint"),
        (CLASSIFIER, put("task", []), r"task: found '\[\]'"),
        (CLASSIFIER, drop("architecture"), "architecture"),
        (
            CLASSIFIER,
            put("architecture", {"a": "b"}),
            r"\(architecture: found unknown variables 'a'",
        ),
        (CLASSIFIER, put("architecture", CHAIN.to_dict()), "unknown variables"),
        (CLASSIFIER, drop("network"), "network: found none, expected"),
        (
            CLASSIFIER,
            put("network", {"space": []}),
            r"network.space: found '\[\]', expected one of",
        ),
        (CLASSIFIER, network("nodes", 0), "network.nodes: found 0"),
        (CLASSIFIER, network("colour", 0), "network.colour: there is no such setting"),
        (CLASSIFIER, put("image_shape", [1, 8, 8]), "network.in_channels: found 3, expected 1 for"),
        (CLASSIFIER, put("image_shape", [3, 7, 8]), "image size: found 7x7"),
        (
            CLASSIFIER,
            put("preprocessing", {"crop": "center"}),
            "preprocessing.crop: found 'center'",
        ),
        (CLASSIFIER, put("preprocessing", {"tilt": 3}), "preprocessing.tilt: there is no such"),
        (CLASSIFIER, put("mean", [0.1]), "mean: found 1 numbers, expected 3 as in image_shape"),
        (CLASSIFIER, put("std", [0.1, 0.1, 0.0]), r"std\.2: found 0\.0"),
        (
            CLASSIFIER,
            put("classes", ["one", "two", "three"]),
            "network.classes: found 2, expected 3",
        ),
        (CLASSIFIER, put("classes", ["one"]), "found no size that fits .* 1 outputs"),
        (RESTORER, put("architecture", {}), "missing variables 'layer1/type'"),
        (RESTORER, put("architecture", CELLS.to_dict()), "unknown variables 'normal/node1/in1'"),
        (RESTORER, put("image_shape", [3, 8]), "image_shape"),
        (RESTORER, put("image_shape", [3, 8, 8]), "network.width: found 12, expected 8 for images"),
        (RESTORER, put("classes", []), "classes: there is no such setting"),
        (RESTORER, put("network", SETTINGS.model_dump()), "unknown variables 'layer1/type'"),
    ],
)
def test_a_damaged_description_is_one_line_that_names_the_file_and_the_field(
    tmp_path: Path,
    description: Description,
    damage: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    found = json.loads(description.model_dump_json())
    damage(found)
    (tmp_path / "network.json").write_text(json.dumps(found))
    with pytest.raises(RunError, match=message) as error:
        read_network(tmp_path / "network.json")
    text = str(error.value)
    assert "\n" not in text and text.startswith(f"{tmp_path / 'network.json'}: ")
    assert text.endswith("expected the network.json of an export; export the run again")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_description_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "network.json").write_bytes(content)
    with pytest.raises(
        RunError, match=r"network\.json: found no description of a network \(."
    ) as e:
        read_network(tmp_path / "network.json")
    assert "\n" not in str(e.value)
    with pytest.raises(RunError, match="found no description"):
        read_network(tmp_path)
