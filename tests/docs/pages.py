"""The documents, taken apart: programs, commands and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
UNRUN = "<!-- not run"  # before a program, with the reason

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELLS = {"", "sh", "bash", "console"}
_LAUNCHERS = ("torchrun", "srun")
_INDENTED = re.compile(r"^    ((?:pdas|make|torchrun|srun) (?:.*\\\n)*.*)", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`((?:pdas|make) [^`]*)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def programs(text: str) -> list[tuple[str, bool]]:
    """The blocks of Python, and whether each is run."""
    return [
        (block[2], UNRUN not in text[: block.start()].rstrip().rpartition("\n")[2])
        for block in _FENCE.finditer(text)
        if block[1] == "python"
    ]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command line, in a block or in a sentence."""
    blocks = [block[2] for block in _FENCE.finditer(text) if block[1] in _SHELLS]
    prose = _FENCE.sub("", text)
    lines = [line for block in blocks for line in _whole_lines(block)]
    lines += [re.sub(r"\\?\n\s*", " ", found) for found in _INDENTED.findall(prose)]
    lines += [re.sub(r"\s*\n\s*", " ", found) for found in _INLINE.findall(prose)]
    for line in lines:
        words = _launched(shlex.split(line.removeprefix("$ "), comments=True))
        words = [re.sub(r"\$[A-Z_]+", "1", word) for word in words]  # of a shell, here numbers
        if words and words[0] in ("pdas", "make"):
            yield words


def _launched(words: list[str]) -> list[str]:
    """What a launcher starts: `pdas run` of `torchrun -m pdas.cli run` and of `srun pdas run`."""
    if words[:1] not in [[launcher] for launcher in _LAUNCHERS]:
        return words
    begin = next(i for i, word in enumerate(words) if word in ("pdas", "pdas.cli"))
    return ["pdas", *words[begin + 1 :]]


def _whole_lines(block: str) -> list[str]:
    return [line.strip() for line in block.replace("\\\n", " ").splitlines()]


def links(text: str) -> list[str]:
    """Where links and pictures lead, within the project."""
    found = _LINK.findall(_FENCE.sub("", text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")) for heading in headings)
    return {each.strip().replace(" ", "-") for each in plain}
