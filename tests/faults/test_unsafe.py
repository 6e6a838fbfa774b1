"""A recipe or a run directory from someone else runs no code and writes nothing outside."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from pdas import recipes
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings, RestorationDataSettings
from pdas.experiment.experiment import Experiment
from pdas.experiment.export import export
from pdas.experiment.loggers import epoch_log
from pdas.experiment.sweep import sweep
from pdas.report.page import write_report
from pdas.runs.run import Run
from pdas.space import SearchSpace, load_labels
from pdas.support.errors import DataError, RunError, SettingError, SpaceError
from pdas.tasks.loading import load, open_task
from pdas.tasks.recipe import recorded
from tests.conftest import changed
from tests.faults.reported import reported

CODE = (
    "import pathlib\npathlib.Path('code-was-run').touch()\n\ndef mask(x, g): return x[:, :1] > 0\n"
)
REFUSAL = r"^mask: found 'evil:mask' in \S+, which is code .*add --set mask=evil:mask$"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory from which a module would be imported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text(CODE)
    return tmp_path


def test_a_recipe_runs_no_code_unless_it_is_asked_for(here: Path) -> None:
    shipped = recipes.dump(recipes.load("inpaint-photos"))
    (here / "r.yaml").write_text(shipped.replace("mask: pixel", "mask: evil:mask"))
    with pytest.raises(SettingError, match=REFUSAL):
        recipes.load("r.yaml")
    with pytest.raises(SettingError, match=REFUSAL):
        recipes.load("r.yaml", ["search.steps=3"])
    assert recipes.load("r.yaml", ["mask=half"]).model_dump()["mask"] == "half"
    assert not (here / "code-was-run").exists()
    open_task(recipes.load("r.yaml", ["mask=evil:mask"]), None, torch.device("cpu"))
    assert (here / "code-was-run").exists()


def test_a_run_runs_no_code_unless_it_is_asked_for(here: Path) -> None:
    recipe = recipes.change(recipes.load("inpaint-photos"), ["mask=evil:mask"])
    (here / "run").mkdir()
    Run(here / "run").write_config(recipe, seed=0, data_dir=None)
    read, _, _ = recorded(Run.open(here / "run"))
    with pytest.raises(SettingError, match=REFUSAL):
        recipes.of_file(read, [], "run")
    assert recipes.of_file(read, ["mask=evil:mask"], "run") == recipe
    assert not (here / "code-was-run").exists()


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.mkdir [code-was-run]",
        "name: !!python/object/apply:os.mkdir [code-was-run]",
        "name: x\ndescription: !!python/object/new:os.mkdir [code-was-run]",
    ],
)
def test_yaml_makes_no_objects(here: Path, text: str) -> None:
    (here / "r.yaml").write_text(text)
    with pytest.raises(SettingError, match=r"^recipe: r\.yaml is not YAML \("):
        recipes.load("r.yaml")
    (here / "run").mkdir()
    (here / "run" / "config.yaml").write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml: damaged"):
        recorded(Run.open(here / "run"))
    with pytest.raises(SettingError, match="--set name: found"):
        recipes.load("digits", [f"name={text.partition(': ')[2] or text}"])
    assert not (here / "code-was-run").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..",
        ".",
        "",
        "a/b",
        "/etc/x",
        "a\\b",
        "C:x",
        "a\0b",
        "a\nb",
        "\x1b[31m",
        " ",
        "a" * 200,
    ],
)
def test_a_name_that_would_be_elsewhere_is_refused(here: Path, name: str) -> None:
    (here / "r.yaml").write_text(yaml.safe_dump({"name": name}))
    with pytest.raises(SettingError, match=r"^(name|recipe): ") as error:
        recipes.load("r.yaml")
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["digits", "my-recipe_2", "Fashion MNIST 1.5", "größe"])
def test_names_of_people_are_taken(here: Path, name: str) -> None:
    (here / "r.yaml").write_text(yaml.safe_dump({"name": name}, allow_unicode=True))
    assert recipes.load("r.yaml").name == name


def test_a_link_in_a_run_is_not_written_through(
    experiment: Experiment, finished: Run, here: Path
) -> None:
    outside = here / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    run = Run(Path(shutil.copytree(finished.path, here / "run")))
    left = f".pdas-report.html-{'0' * 16}.part"
    written = [run.path / name for name in ("report.html", "architecture.svg")]
    for path in (*written, run.path / left):
        path.unlink(missing_ok=True)
        path.symlink_to(outside / "mine")
    write_report(run.path)
    assert all(path.stat().st_size > 1000 and not path.is_symlink() for path in written)
    (run.path / "retrain-1").symlink_to(outside)
    with pytest.raises(RunError, match=r"^run: \S+retrain-1 is a link, expected a directory"):
        Experiment(experiment.recipe, 1).retrain(run, resume=True)
    (run.path / "architecture.json").unlink()
    (run.path / "checkpoint").symlink_to(outside)
    with pytest.raises(RunError, match=r"^run: \S+checkpoint is a link, expected a directory"):
        experiment.search(run.path, resume=True)
    assert [file.read_text() for file in outside.iterdir()] == ["mine"]


def test_the_files_of_a_link_are_replaced(
    experiment: Experiment, finished: Run, here: Path
) -> None:
    (here / "mine").write_text("mine")
    run = Run(Path(shutil.copytree(finished.path, here / "run")))
    (run.path / "retrain-0" / "result.json").unlink()
    for name in ("metrics.csv", "weights.safetensors", "result.json"):
        (run.path / "retrain-0" / name).unlink(missing_ok=True)
        (run.path / "retrain-0" / name).symlink_to(here / "mine")
    (run.path / "retrain-0" / "result.json").unlink()
    experiment.retrain(run, resume=True)
    assert (here / "mine").read_text() == "mine"


ABSURD: dict[str, Callable[[], str]] = {
    "nested lists": lambda: "[" * 200_000,
    "nested objects": lambda: '{"a":' * 200_000,
    "a long number": lambda: '{"a": ' + "9" * 100_000 + "}",
    "a large file": lambda: '{"a": "' + "x" * 11_000_000 + '"}',
    "many names": lambda: json.dumps({f"v{i}": i for i in range(100_000)}),
    "a long name": lambda: json.dumps({"x" * 1_000_000: 1}),
    "a long label": lambda: json.dumps({"op": "x" * 1_000_000}),
    "a nested label": lambda: '{"op": ' + "[" * 400 + "]" * 400 + "}",
    "a list": lambda: json.dumps(list(range(100_000))),
    "not a number": lambda: '{"op": NaN}',
}


@pytest.mark.parametrize("kind", ABSURD)
def test_an_absurd_architecture_is_one_short_line(here: Path, kind: str) -> None:
    (here / "a.json").write_text(ABSURD[kind]())
    space = SearchSpace({"op": ["a", "b"]})
    with pytest.raises(SpaceError, match=r"^architecture file \S*a\.json: ") as error:
        space.load(here / "a.json")
    assert len(str(error.value)) < 2000 and "\n" not in str(error.value)
    with pytest.raises(SpaceError) as error:
        recipe = recipes.load("digits")
        Experiment(recipe).retrain_file(here / "a.json", here / "out")
    assert len(str(error.value)) < 2000 and "\n" not in str(error.value)
    assert not (here / "out").exists()


def test_a_pipe_is_not_waited_for(here: Path) -> None:
    os.mkfifo(here / "a.json")
    with pytest.raises(SpaceError, match="no regular file"):
        load_labels(here / "a.json")


def test_an_inert_change_of_the_mask_is_no_consent(experiment: Experiment) -> None:
    with pytest.raises(SettingError):
        changed(experiment, "mask=evil:mask")  # classification has none


def test_links_for_logs_and_seeds_are_refused(experiment: Experiment, here: Path) -> None:
    outside = here / "outside"
    outside.mkdir()
    (here / "run").mkdir()
    (here / "run" / "tensorboard").symlink_to(outside)
    with (
        pytest.raises(RunError, match=r"^run: \S+tensorboard is a link"),
        epoch_log("tensorboard", here / "run", "search"),
    ):
        raise AssertionError("not reached")
    (here / "sweep").mkdir()
    (here / "sweep" / "seed-0").symlink_to(outside)
    with pytest.raises(RunError, match=r"^run: \S+seed-0 is a link"):
        sweep(experiment, [0], here / "sweep")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10", "svhn"])
def test_nothing_is_downloaded_into_the_directory_that_a_run_names(here: Path, name: str) -> None:
    kind = RestorationDataSettings if name == "svhn" else LabelledDataSettings
    with pytest.raises(DataError, match=r"^--data-dir: found no "):
        load_images(kind(name=name), here, download=False)
    assert [file.name for file in here.iterdir()] == ["evil.py"]


COMMANDS = {
    "report": reported,
    "export": export,
    "evaluate": lambda path: Run.open(path).retrained(),
    "predict": load,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", [".", "retrain-0", "../seed-0"])
def test_a_link_within_a_run_or_a_sweep_is_not_entered(
    finished: Run, here: Path, path: str, command: str
) -> None:
    run = Path(shutil.copytree(finished.path, here / "sweep" / "run"))
    outside = Path(shutil.move(run / "retrain-0", here / "outside"))
    (run / "retrain-0").symlink_to(outside)
    (here / "sweep" / "sweep.json").touch()
    (here / "sweep" / "seed-0").symlink_to(outside)
    before = sorted(file.name for file in outside.iterdir())
    with pytest.raises(RunError, match=r"^run: \S+-0 is a link, expected a directory of the run's"):
        COMMANDS[command](run / path)
    assert sorted(file.name for file in outside.iterdir()) == before


def test_a_link_of_ones_own_to_a_run_is_entered(finished: Run, here: Path) -> None:
    (here / "latest").symlink_to(shutil.copytree(finished.path, here / "run"))
    assert write_report(here / "latest") == here / "latest" / "report.html"
    (here / "retrain-best").symlink_to(here / "run" / "retrain-0")
    assert load(here / "retrain-best").classes
