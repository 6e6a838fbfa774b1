"""Links within the project lead somewhere, and excerpts of code are what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, links, name_of

EXCERPT = re.compile(r'^```py title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def broken(page: Path, text: str) -> list[str]:
    """The links of a page that lead nowhere."""
    return [target for target in links(text) if not leads_somewhere(page, target)]


def leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or file.suffix != ".md" or anchor in anchors(file.read_text())


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text()) == []


def test_a_broken_link_is_found() -> None:
    text = "[a](docs/nowhere.md), [b](#nothing), [c](docs/design.md#no-such-part), "
    text += "[d](docs), ![e](e.png)"
    assert broken(ROOT / "README.md", text) == [
        "docs/nowhere.md", "#nothing", "docs/design.md#no-such-part", "e.png",
    ]  # fmt: skip


def changed(text: str) -> list[str]:
    """The files whose excerpts are no longer what they say."""
    return [name for name, code in EXCERPT.findall(text) if code not in (ROOT / name).read_text()]


def test_excerpts_are_what_the_code_says() -> None:
    text = (ROOT / "docs" / "algorithm.md").read_text()
    assert len(EXCERPT.findall(text)) >= 6 and changed(text) == []
    assert changed(text.replace("np.vdot", "np.dot")) == ["src/pdas/methods/pdas/eta.py"]


def test_every_equation_that_the_code_names_is_on_the_page() -> None:
    sources = (ROOT / "src" / "pdas" / "methods" / "pdas").glob("*.py")
    named = {n for file in sources for n in re.findall(r"\((\d{1,2})\)", file.read_text())}
    text = (ROOT / "docs" / "algorithm.md").read_text()
    assert {n for n in named if f"({n})" not in text} == set()
