"""The conformance tests find the defects that they are for, and each of them finds one."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import broken_costs
import broken_data_sets
import broken_families
import broken_methods
import broken_optimizers
import broken_supernets
import broken_tasks
import broken_weight_optimizers
import pytest
from chosen import Chosen
from evolution import Evolution
from separate import run_pytest
from striped_images import Stripes

from pdas.testing import (
    CostTests,
    DataSetTests,
    FamilyTests,
    MethodTests,
    OptimizerTests,
    SupernetTests,
    TaskTests,
)
from pdas.testing import WeightOptimizerTests as OptimizersOfWeights
from tests.spaces.chain_family import Chain
from tests.strangers.mixture import Mixture

KINDS: list[tuple[ModuleType, type, type]] = [
    (broken_optimizers, Evolution, OptimizerTests),
    (broken_supernets, Chosen, SupernetTests),
    (broken_families, Chain, FamilyTests),
    (broken_data_sets, Stripes, DataSetTests),
    (broken_methods, Mixture, MethodTests),
    (broken_costs, broken_costs.Width, CostTests),
    (broken_weight_optimizers, broken_weight_optimizers.Plain, OptimizersOfWeights),
    (broken_tasks, broken_tasks.Counted, TaskTests),
]


@pytest.fixture(scope="module")
def failed() -> set[tuple[str, str, str]]:
    """What fails in all of them, in one process: file, defect, test."""
    files = [f"{broken.__name__}.py" for broken, _, _ in KINDS]
    output = run_pytest(Path(__file__).parent, *files, "--tb=no", "-rf")
    failures = re.findall(r"FAILED (?:.*/)?(\w+)\.py::.*::(test_\w+)\[(\w+)", output)
    return {(file, defect, test) for file, test, defect in failures}


@pytest.mark.parametrize(("broken", "works", "tests"), KINDS)
def test_every_defect_is_found_and_every_test_finds_one(
    broken: ModuleType, works: type, tests: type, failed: set[tuple[str, str, str]]
) -> None:
    named = {
        (defect.__name__, test)
        for defect in works.__subclasses__()
        for test in re.findall(r"test_\w+", defect.__doc__)
    }
    assert named <= {(defect, test) for file, defect, test in failed if file == broken.__name__}
    assert {test for _, test in named} == {name for name in dir(tests) if name.startswith("test_")}
