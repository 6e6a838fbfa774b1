"""Every command line in the documents is one that the program takes; none is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from pdas import recipes
from pdas.cli.app import app
from pdas.comparing.rows import OURS, PLAIN
from pdas.methods.components import METHODS
from pdas.support.errors import PdasError
from tests.docs.pages import PAGES, ROOT, commands, name_of

PROGRAM: Any = typer.main.get_command(app)
OPTIONS = {
    *("--help", "--version"),
    *(
        o
        for command in (PROGRAM, *PROGRAM.commands.values())
        for p in command.params
        for o in p.opts
    ),
}
# typer has click within it or beside it, by its version.
REFUSED = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PLACEHOLDER = re.compile(r"[A-Z]+(-[A-Z]+)*\d?$")  # RUN, DIR, RECIPE-SEED
ANY_RECIPE = "digits"
CUT = {"...", "|", "2>&1"}


def fault(words: list[str]) -> str | None:
    """What is wrong with a command line; None where nothing is."""
    if words[0] == "make":
        unknown = [word for word in words[1:] if word not in TARGETS and "=" not in word]
        return f"no target {unknown}" if unknown else None
    words = ["1" if word.strip("[]") == "N" else word for word in words]
    words = [re.sub(r"[\[\]]", "", word) if "=" not in word else word for word in words[1:]]
    ends = [i for i, word in enumerate(words) if word in CUT]
    try:
        return _parsed(words[: ends[0]] if ends else words, is_whole=not ends)
    except (REFUSED, PdasError) as error:
        return str(error) or type(error).__name__


def _parsed(words: list[str], is_whole: bool) -> str | None:
    """A line that names a command only, or that is cut short, is no more than that name."""
    has_import = words[:1] == ["--import"]
    name, *rest = (words[2:] if has_import else words) or ["--help"]
    if name not in PROGRAM.commands:
        return None if not is_whole or name.startswith("-") else f"no command {name}"
    if not rest or not is_whole:
        return None
    context = PROGRAM.commands[name].make_context(name, rest)
    return None if has_import else _recipe_fault(context.params)


def _recipe_fault(params: dict[str, Any]) -> str | None:
    recipe, changes = params.get("recipe"), params.get("changes") or ()
    if not isinstance(recipe, str):
        return None
    recipe = ANY_RECIPE if PLACEHOLDER.match(recipe) else recipe
    known = [change for change in changes if not re.search(r"=\w+:\w+$|=.*[A-Z]{3,}", change)]
    recipes.load(recipe, known)
    methods = params.get("methods")
    named = methods.split(",") if isinstance(methods, str) else []
    unknown = [m for m in named if m not in {*METHODS.names(), OURS, f"{OURS}-paper"}]
    unknown = [m for m in unknown if not m.startswith(PLAIN)]
    return f"no method {unknown}" if unknown else None


def spoken_faults(text: str) -> list[str]:
    """Options and settings in sentences, as `--resume` and `search.epochs=6`, that are none."""
    options = re.findall(r"(?<!`)`(--[a-z-]+)", text)
    settings = re.findall(r"(?<!`)`((?:data|network|search|retrain)\.[a-z_.]+=[\w.]+)`", text)
    return [o for o in options if o not in OPTIONS] + [s for s in settings if not is_setting(s)]


def is_setting(change: str) -> bool:
    try:
        recipes.load(ANY_RECIPE, [change])
    except PdasError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_and_settings_in_a_sentence_are_some(page: Path) -> None:
    assert spoken_faults(page.read_text()) == []


def test_a_wrong_option_or_setting_in_a_sentence_is_found() -> None:
    said = "With `--resum`, `--resume`, `search.epoch=3` or `search.epochs=3`."
    assert spoken_faults(said) == ["--resum", "search.epoch=3"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_is_one(page: Path) -> None:
    wrong = {" ".join(words): why for words in commands(page.read_text()) if (why := fault(words))}
    assert not wrong


def test_there_are_many() -> None:
    assert sum(len(list(commands(page.read_text()))) for page in PAGES) > 60


@pytest.mark.parametrize(
    "line",
    [
        "pdas serch digits",
        "pdas run digits --sed 3",
        "pdas run digitz",
        "pdas run digits --set search.epoch=3",
        "pdas run RECIPE --set search.epoch=3",
        "pdas compare digits --methods pdas,enass",
        "make dmeo",
        "torchrun --nproc-per-node 2 -m pdas.cli run digits --devicez 2",
        "srun --nodes 2 pdas run digits --set device.machine=2",
    ],
)
def test_a_wrong_command_is_found(line: str) -> None:
    ((words),) = commands(f"Text.\n\n    {line}\n")
    assert fault(words) is not None
    if line.startswith(("pdas", "make")):
        ((inline),) = commands(f"Say `{line}` once.")
        assert inline == words


def test_a_variable_of_a_shell_is_a_number() -> None:
    ((words),) = commands("Text.\n\n    pdas run digits --seed $SLURM_ARRAY_TASK_ID --out a/$N\n")
    assert words[2:] == ["digits", "--seed", "1", "--out", "a/1"] and fault(words) is None
