"""The shipped experiments, by name, and how single settings of them are changed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from pdas.support.errors import SettingError, reason
from pdas.support.files import read_text
from pdas.support.safe_yaml import safe_yaml
from pdas.support.settings import flat
from pdas.tasks.recipe import Recipe, as_recipe


def names() -> list[str]:
    """The names of the shipped recipes."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".yaml")
    )


def load(name: str, changes: Sequence[str] = ()) -> Recipe:
    """A shipped recipe, or the one in a YAML file, with changes of the form `key=value`.

    Keys are dotted, as `search.epochs`; values are YAML. Raises `SettingError` for an unknown
    recipe, key or value.
    """
    if name in names():
        text = files(__name__).joinpath(f"{name}.yaml").read_text()
    elif name.endswith((".yaml", ".yml")) and Path(name).is_file():
        text = _text(Path(name))
    else:
        raise SettingError(
            f"recipe: found {name!r}, expected one of {', '.join(names())}, or a YAML file"
        )
    try:
        settings = safe_yaml(text)
    except ValueError as error:
        raise SettingError(f"recipe: {name} is not YAML ({reason(error)})") from None
    if not isinstance(settings, dict):
        raise SettingError(f"recipe: {name} holds no settings, expected keys such as `search:`")
    return of_file(as_recipe(settings), changes, name)


def dump(recipe: Recipe) -> str:
    """All settings of a recipe as YAML, which `load` reads back."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def of_file(recipe: Recipe, changes: Sequence[str], file: str) -> Recipe:
    """A recipe that was read from a file, or a run, with changes of the form `key=value`.

    Raises `SettingError` if it has a mask that is code, and this is not among the changes: a file
    from someone else cannot have its code run.
    """
    mask = getattr(recipe, "mask", "")
    if ":" in mask and not any(item.startswith("mask=") for item in changes):
        raise SettingError(
            f"mask: found {mask!r} in {file}, which is code that would be run, expected it to be "
            f"asked for; if you know that code, add --set mask={mask}"
        )
    return change(recipe, changes)


def change(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with changes of the form `key=value`."""
    settings = recipe.model_dump()
    for item in changes:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise SettingError(f"--set: found {item!r}, expected KEY=VALUE, as search.epochs=10")
        *path, last = key.split(".")
        level: Any = settings
        for part in path:
            level = level.get(part) if isinstance(level, dict) else None
        if not isinstance(level, dict) or last not in level or isinstance(level[last], dict):
            near = _near(key, list(flat(recipe.model_dump())))
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise SettingError(
                f"--set: there is no setting {key!r}; {hint}"
                f"`pdas recipes --show {recipe.name}` lists all"
            )
        try:
            level[last] = safe_yaml(value)
        except ValueError:
            raise SettingError(f"--set {key}: found {value!r}, expected a YAML value") from None
    return as_recipe(settings)


def _near(key: str, keys: Sequence[str]) -> list[str]:
    """The setting that a mistyped key means, or those of about its name in other groups."""
    names = [known.split(".")[-1] for known in keys]
    meant = get_close_matches(key.split(".")[-1], names, n=1, cutoff=0.85)
    elsewhere = [known for known, name in zip(keys, names, strict=True) if name in meant]
    return get_close_matches(key, keys, n=1, cutoff=0.85) or elsewhere


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except (OSError, ValueError) as error:
        raise SettingError(f"recipe: {file} cannot be read ({error})") from None
