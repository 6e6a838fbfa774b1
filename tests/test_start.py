"""What need not compute starts without torch; Ctrl-C while the rest is imported is one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "lightning_fabric", "torchvision", "torchmetrics", "matplotlib")
SAID = f"import sys; print(*sorted(set({HEAVY}) & set(sys.modules)))"
# Runs a command in a process, and prints which of the heavy modules it has imported at the end.
COMMAND = f"""
import sys
sys.argv = ["pdas", *sys.argv[1:]]
from pdas.cli import main
try:
    main()
finally:
    print("heavy:", *sorted(set({HEAVY}) & set(sys.modules)))
"""


def python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)


@pytest.mark.parametrize(
    "code",
    [
        "import pdas; pdas.PDAS(pdas.SearchSpace({'op': ['conv', 'skip']}), seed=0).ask(2)",
        "import pdas; pdas.Limit, pdas.Penalty, pdas.ProductCost, pdas.PdasError",
        "from pdas import recipes; recipes.load('cifar10')",
    ],
)
def test_an_optimizer_and_a_recipe_need_no_torch(code: str) -> None:
    done = python(f"{code}\n{SAID}")
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("--help", 0),
        ("--version", 0),
        ("run --help", 0),
        ("recipes", 0),
        ("recipes --show cifar10", 0),
        ("run digit", 2),
        ("run digits --set search.epochs=none", 2),
        ("search celeba-center --set search.optimizer=none", 2),
        ("sweep digits --seeds none", 2),
        ("compare digits --methods none", 2),
        ("retrain missing", 2),
        ("evaluate missing", 2),
    ],
)
def test_what_is_said_at_once_needs_no_torch(words: str, status: int) -> None:
    done = python(COMMAND, *words.split())
    assert done.returncode == status, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy:"


def test_fabric_does_not_import_torchmetrics() -> None:
    code = f"import pdas.experiment.experiment, pdas.searches.search\n{SAID}"
    assert "torchmetrics" not in python(code).stdout.split()
    code = "from pdas.distributed.fabric import Fabric\nimport torchmetrics as t; print(t.Metric)"
    assert "torchmetrics.metric.Metric" in python(code).stdout


def test_fabric_is_imported_in_one_place() -> None:
    source = Path(__file__).parents[1] / "src" / "pdas"
    places = [
        path for path in source.rglob("*.py") if "lightning_fabric import" in path.read_text()
    ]
    assert [path.name for path in places] == ["fabric.py"]


# Ctrl-C comes when a module is imported.
INTERRUPTED = """
import signal, sys
name, *words = sys.argv[1:]
class Interrupt:
    def find_spec(module, path=None, target=None):
        if module == name:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupt)
sys.argv = ["pdas", *words]
from pdas.cli import main
main()
"""


@pytest.mark.parametrize(
    "module", ["typer", "pydantic", "pdas.recipes", "torch", "torch.nn.modules", "lightning_fabric"]
)
def test_an_interrupt_while_importing_is_one_line(tmp_path: Path, module: str) -> None:
    done = python(INTERRUPTED, module, "search", "digits", "--out", str(tmp_path / "run"))
    said = done.stderr.removeprefix("digits, seed 0: loading\n")
    assert (done.returncode, said) == (130, "pdas: interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run digits", ["digits, seed 0: loading"]),
        ("search digits --seed 3", ["digits, seed 3: loading"]),
        ("sweep digits", ["sweep of digits: loading"]),
        ("compare digits", ["comparison on digits: loading"]),
        ("check digits", ["check of digits: loading"]),
        ("run digits --quiet", []),
    ],
)
def test_something_is_said_before_torch_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: list[str]
) -> None:
    (tmp_path / "torch.py").write_text("import os\nos.write(2, b'torch')\nos._exit(5)\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    done = python(COMMAND, *words.split())
    assert done.returncode == 5 and done.stderr.splitlines() == [*said, "torch"]
