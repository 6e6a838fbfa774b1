"""The pages that are made when the site is built: the reference, and the changelog.

A page of the reference is the docstrings of the names in an `__all__`, or of what is registered
under a name, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import pdas
import pdas.testing
from pdas.methods.components import METHODS
from pdas.spaces.base import FAMILIES
from pdas.tasks.base import TASKS
from pdas.training.components import OPTIMIZERS, SCHEDULES

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
PAGES = {
    "index": ("pdas", "What a program imports as `pdas.NAME`.", pdas),
    "networks": ("pdas.nn", "Choices in a network of your own, and its supernet.", pdas.nn),
    "stages": ("pdas.stages", "The commands from Python.", pdas.stages),
    "testing": ("pdas.testing", "Tests for what you add.", pdas.testing),
}
REGISTRIES = {
    "Methods, by `search.method`": METHODS,
    "Tasks": TASKS,
    "Architecture families, by `network.space`": FAMILIES,
    "Optimizers of the weights": OPTIMIZERS,
    "Their schedules": SCHEDULES,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages; called by mkdocs."""
    for name, (title, about, module) in PAGES.items():
        _add(files, config, name, [f"# {title}", about, *_public(module)])
    _add(files, config, "extending", ["# Settings by name", *_registered()])
    changelog = CHANGELOG.read_text(encoding="utf-8").replace("](docs/", "](")
    files.append(File.generated(config, "changelog.md", content=changelog))
    return files


def _add(files: Files, config: MkDocsConfig, name: str, parts: list[str]) -> None:
    page = File.generated(config, f"reference/{name}.md", content="\n\n".join(parts))
    files.append(page)


def _public(module: ModuleType) -> Iterator[str]:
    for name in module.__all__:
        value = getattr(module, name)
        if not isinstance(value, ModuleType | str):
            yield f"## {name}\n\n{_described(value)}"


def _registered() -> Iterator[str]:
    for title, registry in REGISTRIES.items():
        yield f"## {title}"
        for name in registry.names():
            yield f"### {name}\n\n{_described(registry[name])}"


def _described(value: Any) -> str:
    """Of an object that is registered itself, its class."""
    kind = value if hasattr(value, "__qualname__") else type(value)
    return f"::: {kind.__module__}.{kind.__qualname__}"
