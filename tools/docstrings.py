"""Docstrings as the site shows them: an example is code, and "> 0" is no quotation."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^Example:\n((?:    .*\n|\n)+)", re.MULTILINE)
_QUOTATION = re.compile(r"^(\s+[\w, ]+: )>", re.MULTILINE)


class Shown(Extension):
    """Called for each object whose docstring is read."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = shown(obj.docstring.value)


def shown(docstring: str) -> str:
    """A docstring whose example is a block of code."""
    text = _QUOTATION.sub(r"\1\>", f"{docstring}\n")
    return _EXAMPLE.sub(_block, text)


def _block(example: re.Match[str]) -> str:
    return f"**Example**\n\n```python\n{dedent(example[1]).strip()}\n```\n\n"
