"""What the two families say of settings, images and labels that do not fit, and how they start."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pdas.spaces.autoencoders.settings import ChainSettings
from pdas.spaces.base import FAMILIES, family_of
from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.cells.settings import OPERATION_NAMES, CellSettings, NetworkSettings
from pdas.support.errors import SettingError, SpaceError

CELLS, CHAINS = FAMILIES["cells"], FAMILIES["autoencoders"]
SMALL = NetworkSettings(nodes=2, cells_per_stage=1, channels=4)


def test_the_registry_needs_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys; from pdas.spaces.base import FAMILIES; assert len(FAMILIES.names()) >= 2; "
        "print(*{'torch', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_operation_has_a_name_and_every_name_an_operation() -> None:
    assert tuple(OPERATIONS) == OPERATION_NAMES


def test_images_and_outputs_that_do_not_fit() -> None:
    with pytest.raises(SettingError, match=r"^image size: found 7x7, expected at least 8x8"):
        CELLS.size(SMALL, (3, 7, 9), 10)
    with pytest.raises(SettingError, match=r"^network.classes: found 1, expected a number of at"):
        CELLS.size(SMALL, (3, 8, 8), 1)
    with pytest.raises(SettingError, match=r"^network.space: found 'autoencoders'.* 10 outputs"):
        CHAINS.size(ChainSettings(), (3, 8, 8), 10)


def test_labels_of_another_family_are_refused() -> None:
    cells = CELLS.space(SMALL).uniform(np.random.default_rng(0)).to_dict()
    chain = CHAINS.space(ChainSettings(layers=2)).uniform(np.random.default_rng(0)).to_dict()
    assert family_of(cells) is CELLS and family_of(chain) is CHAINS
    assert family_of({"op": "conv3", "width": 64}) is None
    with pytest.raises(SpaceError, match=r"^architecture: found no cells, expected .*; give an"):
        CELLS.fitted(SMALL, chain)
    with pytest.raises(SpaceError, match=r"^architecture: found no layers, expected .*; give an"):
        CHAINS.fitted(ChainSettings(), cells)


def test_cells_are_retrained_at_the_depth_and_the_limit_of_the_recipe() -> None:
    size = CELLS.size(SMALL, (1, 8, 8), 10)
    retrain = SimpleNamespace(cells_per_stage=2, weight_limit=20_000)
    for architecture in (None, CELLS.space(SMALL).uniform(np.random.default_rng(0))):
        found = CELLS.retrained_size(size, architecture, retrain, (1, 8, 8))
        assert isinstance(found, CellSettings) and found.cells_per_stage == 2
        if architecture is not None:
            wider = found.model_copy(update={"channels": found.channels + 1})
            assert CELLS.parameters(architecture, found) <= 20_000
            assert CELLS.parameters(architecture, wider) > 20_000
    with pytest.raises(SettingError, match="weights of the heaviest architecture of this space"):
        too_small = SimpleNamespace(cells_per_stage=2, weight_limit=1)
        CELLS.retrained_size(size, None, too_small, (1, 8, 8))


def test_a_family_without_a_baseline_says_so() -> None:
    architecture = CELLS.space(SMALL).uniform(np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"^search.method: found base, expected an architecture"):
        CELLS.baseline(architecture)
