"""The help pages: an example in each that the command takes, and flags without a value."""

from __future__ import annotations

import shlex

import pytest
import typer
from typer.core import TyperGroup

from pdas.cli.app import app
from pdas.cli.help import EXAMPLES
from pdas.stages.finished_runs import EXPORTS
from tests.cli.conftest import Pdas

GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)


@pytest.mark.parametrize("command", ["", *GROUP.commands])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_page_has_an_example(pdas: Pdas, command: str, option: str) -> None:
    status, out, err = pdas(*command.split(), option)
    assert (status, err) == (0, "")
    assert f"Example: {EXAMPLES[command]}" in " ".join(out.split())
    assert "<bool>" not in out


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_example_is_a_command_line(command: str) -> None:
    program, name, *words = shlex.split(EXAMPLES[command])
    assert program == "pdas" and command in ("", name)
    assert isinstance(GROUP, TyperGroup)
    with GROUP.commands[name].make_context(name, words):  # refuses what it does not know
        pass


def test_the_help_of_export_names_every_format(pdas: Pdas) -> None:
    text = pdas("export", "--help")[1]
    assert all(name in text for name in EXPORTS)


def test_the_help_of_set_says_that_it_repeats_and_where_the_settings_are(pdas: Pdas) -> None:
    text = " ".join(pdas("run", "--help")[1].replace("│", " ").split())
    assert "may be repeated" in text and "pdas recipes" in text and "--show RECIPE" in text
