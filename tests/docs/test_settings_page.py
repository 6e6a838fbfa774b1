"""The page of all settings is what the code says, and leaves none out."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pdas import recipes
from pdas.support.settings import flat
from tools.settings_page import PAGE

ROW = re.compile(r"^\| `([\w.]+)` \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def written() -> str:
    """The page as a fresh process writes it, in which no other test has registered a task."""
    program = "from tools.settings_page import page; print(page(), end='')"
    command = [sys.executable, "-c", program]
    return subprocess.check_output(command, cwd=PAGE.parents[1], text=True, encoding="utf-8")


def test_the_page_is_what_the_code_says(written: str) -> None:
    assert PAGE.read_text("utf-8") == written  # else: python -m tools.settings_page


def test_every_setting_of_every_recipe_has_a_row_with_its_words() -> None:
    rows = {name: rest for name, *rest in ROW.findall(PAGE.read_text())}
    for name, (value, default, said) in rows.items():
        assert value and default and said and not said.rstrip().endswith("only:"), name
    for name in recipes.names():
        for key in flat(recipes.load(name).model_dump(mode="json")):
            group, *inside = key.split(".")
            if not inside or inside[0] == "method" or key == "network.space":
                continue  # a method has a page of its own
            if inside[0] in ("optimizer", "schedule") and inside[-1] != "name":
                group, inside = inside[0], inside[1:]
            assert f"{group}.{inside[0]}" in rows, key


def test_a_row_has_type_and_default_of_each_task(written: str) -> None:
    rows = {name: rest for name, *rest in ROW.findall(written)}
    assert rows["search.batch_size"][:2] == ["integer from 1 to 1000000", "`64`; inpainting: `16`"]
    assert rows["device.kernels"][:2] == ["`auto` or `library`", "`auto`"]
