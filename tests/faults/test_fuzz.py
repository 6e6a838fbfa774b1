"""Whatever a recipe, `--set`, an architecture or a checkpoint holds: one line, in a short time."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric
from torch import nn

from pdas import recipes
from pdas.distributed.ranks import Ranks
from pdas.resume.batches import ResumableBatches
from pdas.resume.checkpoint import FORMAT, Checkpoints, _trailer, hashlib
from pdas.resume.frozen import Frozen
from pdas.resume.resumable import Resumable
from pdas.resume.signals import StopRequest
from pdas.runs.run import Run
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import PdasError
from pdas.support.settings import flat
from pdas.tasks.loading import fitted
from pdas.tasks.recipe import recorded
from pdas.training.measures import RunningMean
from pdas.training.settings import TrainingSettings
from pdas.training.stopping import Stopwatch

FAST, LONG = 60, 2000
SHIPPED = recipes.load("digits")
KEYS = sorted(flat(SHIPPED.model_dump()) | flat(recipes.load("inpaint-photos").model_dump()))

text = st.text(max_size=20) | st.sampled_from(["../x", "/etc/x", "a:b", "\0", "1e999", "0x1", "~"])
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63), 10**400, 1e308])
plain = st.none() | st.booleans() | numbers | text
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)
)


def fuzzed(strategy: st.SearchStrategy[Any]) -> Callable[[Callable[[Any], None]], Any]:
    """A test with few examples in every run of the tests, and one with many among the long."""

    def decorate(check: Callable[[Any], None]) -> Any:
        @pytest.mark.parametrize(
            "examples", [FAST, pytest.param(LONG, marks=pytest.mark.long)], ids=["fast", "long"]
        )
        def test(examples: int) -> None:
            limits = settings(
                max_examples=examples,
                derandomize=examples == FAST,
                deadline=60_000,  # ms: none hangs, however busy the machine is
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            limits(given(strategy)(check))()

        test.__doc__ = check.__doc__
        return test

    return decorate


@contextmanager
def one_line() -> Iterator[None]:
    """What happens within is well, or an error of one line that is not endless."""
    try:
        yield
    except PdasError as error:
        message = str(error)
        assert message and "\n" not in message and len(message) < 3000, message


@contextmanager
def closed_room() -> Iterator[Path]:
    """A directory beside which nothing may be made."""
    with tempfile.TemporaryDirectory() as name:
        outer, inner = Path(name), Path(name, "inner")
        inner.mkdir()
        before = os.getcwd()
        os.chdir(inner)
        try:
            yield inner
        finally:
            os.chdir(before)
        assert [path.name for path in outer.iterdir()] == ["inner"]


@fuzzed(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode(errors="replace")))
def test_a_recipe_of_any_bytes(content: bytes) -> None:
    with closed_room() as room:
        (room / "r.yaml").write_bytes(content)
        with one_line():
            recipes.load("r.yaml")
        (room / "config.yaml").write_bytes(content)
        with one_line():
            recorded(Run.open(room))


@fuzzed(st.dictionaries(st.sampled_from([*KEYS, "a.b", "task", "x"]), values, max_size=4))
def test_a_recipe_of_any_values(changes: dict[str, Any]) -> None:
    nested: dict[str, Any] = {"name": "mine"}
    for key, value in changes.items():
        group, _, name = key.rpartition(".")
        level = nested.setdefault(group, {}) if group else nested
        if isinstance(level, dict):
            level[name] = value
    with closed_room() as room:
        (room / "r.yaml").write_text(yaml.safe_dump(nested), encoding="utf-8", errors="replace")
        with one_line():
            name = recipes.load("r.yaml").name
            (room / f"{name}-0").mkdir()  # as `runs/RECIPE-SEED`
            assert (room / f"{name}-0").resolve().parent == room.resolve()


@fuzzed(st.lists(st.tuples(st.sampled_from(KEYS) | text, values.map(repr) | text), max_size=3))
def test_any_change(changes: list[tuple[str, str]]) -> None:
    for recipe in (SHIPPED, recipes.load("inpaint-photos")):
        with one_line():
            recipes.change(recipe, [f"{key}={value}" for key, value in changes])


SPACE = cell_space(2, SHIPPED.network.operations)  # type: ignore[union-attr, arg-type]
labels = st.sampled_from([label for name in SPACE for label in SPACE[name]])
names = st.sampled_from(list(SPACE))


@fuzzed(
    st.dictionaries(names | text, labels | values, max_size=8)
    | st.fixed_dictionaries(dict.fromkeys(SPACE, labels | plain))
    | values
)
def test_any_architecture(content: Any) -> None:
    with closed_room() as room:
        (room / "architecture.json").write_text(json.dumps(content), errors="replace")
        with one_line():
            found = SPACE.load(room / "architecture.json")
            assert found.to_dict() == content
        for recipe in (SHIPPED, recipes.load("inpaint-photos")):
            if isinstance(content, dict):
                with one_line():
                    fitted(recipe, content)


@fuzzed(st.binary(max_size=100))
def test_an_architecture_of_any_bytes(content: bytes) -> None:
    with closed_room() as room:
        (room / "a.json").write_bytes(content)
        with one_line():
            SPACE.load(room / "a.json")
            raise AssertionError("not reached")


def training(directory: Path) -> Resumable:
    net = nn.Linear(2, 1)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    batches = ResumableBatches([torch.zeros(1), torch.ones(1)])
    parts = {
        "net": net,
        "sgd": sgd,
        "batches": batches,
        "mean": RunningMean(),
        "watch": Stopwatch(),
    }
    one = Ranks(Fabric(accelerator="cpu", devices=1))
    frozen = Frozen("retrain", TrainingSettings(epochs=1), {"seed": 0})
    return Resumable(Checkpoints(directory), frozen, parts, one, must_match={})


def whole() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        first = training(Path(name))
        first.after(1, False, StopRequest())
        first._checkpoints._seconds = 0  # type: ignore[union-attr]
        first.after(1, False, StopRequest())
        state = Checkpoints(Path(name)).load()
        assert state is not None
        return state


WHOLE = whole()
places = st.sampled_from(
    [
        ("step",),
        ("components",),
        ("random",),
        *((g, k) for g in ("components", "random") for k in WHOLE[g]),
    ]
)
storable = values.filter(lambda value: "inf" not in repr(value)) | st.just(torch.zeros(3))


@fuzzed(st.tuples(places, storable))
def test_a_checkpoint_of_any_content(change: tuple[tuple[str, ...], Any]) -> None:
    (*groups, last), value = change
    state = {key: dict(x) if isinstance(x, dict) else x for key, x in WHOLE.items()}
    level: Any = state
    for group in groups:
        level = level[group]
    level[last] = value
    random = torch.get_rng_state()
    with closed_room() as room, one_line(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Checkpoints(room / "checkpoint").save(1, state)
        training(room / "checkpoint").restore()
    torch.set_rng_state(random)


@fuzzed(st.binary(max_size=300))
def test_a_checkpoint_of_any_bytes(payload: bytes) -> None:
    with closed_room() as room:
        checkpoints = Checkpoints(room)
        for content in (
            payload,
            payload + _trailer(FORMAT, hashlib.sha256(payload).hexdigest()),
            payload + _trailer(FORMAT + 1, "0" * 64),
        ):
            (room / "step-000000001.ckpt").write_bytes(content)
            with one_line():
                checkpoints.load()
                raise AssertionError("not reached")
