"""The shipped recipes by name, and changes of single settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import yaml

from pdas.methods.settings import for_method
from pdas.support.errors import SettingError, reason
from pdas.support.opening import read_text
from pdas.support.plain_data import safe_yaml
from pdas.support.refusals import refusal, refuse
from pdas.support.settings import flat
from pdas.tasks.recipe import Recipe, as_recipe
from pdas.training.settings import OTHER_LENGTH

COMPONENTS = {"method": "name", "optimizer": "name", "schedule": "name", "network": "space"}
"""Groups that have a short form, the name alone, and the key of that name."""


def names() -> list[str]:
    """The names of the shipped recipes."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".yaml")
    )


def load(name: str | PathLike[str], changes: Sequence[str] = ()) -> Recipe:
    """A shipped recipe, or the recipe in a YAML file.

    Args:
        name: of a shipped recipe, or of the file.
        changes: of the form `key=value`. Keys are dotted, as `search.epochs`; values are YAML.

    Raises:
        SettingError: the recipe, a key or a value is unknown, or the file cannot be read.

    Example:
        load("digits", ["search.epochs=10"])
    """
    name = os.fspath(name)
    if name in names():
        text = files(__name__).joinpath(f"{name}.yaml").read_text()
    elif name.endswith((".yaml", ".yml")) and Path(name).is_file():
        text = _text(Path(name))
    else:
        expected = f"one of {', '.join(names())}, or a YAML file"
        refuse(SettingError, "recipe", found=repr(name), expected=expected)
    try:
        settings = safe_yaml(text)
    except ValueError as error:
        raise SettingError(f"recipe: {name} is not YAML ({reason(error)})") from None
    if not isinstance(settings, dict):
        raise SettingError(f"recipe: {name} holds no settings, expected keys such as `search:`")
    recipe = as_recipe(settings)
    _refuse_code("search.method", recipe.search.method.name, changes, name)
    return of_file(recipe, changes, name)


def dump(recipe: Recipe) -> str:
    """All settings of a recipe as YAML, which `load` reads."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def of_file(recipe: Recipe, changes: Sequence[str], file: str) -> Recipe:
    """A recipe that was read from a file or a run, with changes.

    Args:
        recipe: from the file, without the changes.
        changes: of the form `key=value`.
        file: where it was read, for messages.

    Raises:
        SettingError: a change does not fit; or the mask is code, and no change asks for it.
    """
    # A file may come from someone else, so code that it names runs only if the user asks for it.
    _refuse_code("mask", getattr(recipe, "mask", ""), changes, file)
    return change(recipe, changes)


def _refuse_code(setting: str, name: str, changes: Sequence[str], file: str) -> None:
    asked = f"{setting}=", f"{setting}.name="
    if ":" in name and not any(item.startswith(asked) for item in changes):
        refuse(
            SettingError,
            setting,
            found=f"{name!r} in {file}, which is code that would be run",
            expected="it to be asked for",
            remedy=f"if you know that code, add --set {setting}={name}",
        )


def as_changes(values: Mapping[str, Any]) -> list[str]:
    """Changes of the form `key=value` from a mapping.

    Args:
        values: settings by their dotted names, as {"search.epochs": 10}, or nested in their groups,
            as {"search": {"epochs": 10}}, or both. What a group does not name stays as it is.

    Raises:
        SettingError: a value is no plain data, or a setting has two values.
    """
    if not isinstance(values, Mapping):
        refuse(
            SettingError,
            "changes",
            found=type(values).__name__,
            expected='a mapping, as {"search.epochs": 10}',
        )
    changes: dict[str, tuple[str, str]] = {}
    for key, value in _settings_in(values):
        last = key.split(".")[-1]
        name = f"{key}.{COMPONENTS[last]}" if last in COMPONENTS else key  # of the short form
        text = _plain(value)
        if changes.setdefault(name, (key, text))[1] != text:
            found = f"{changes[name][1]} and {text} for {key}"
            refuse(SettingError, "changes", found=found, expected="one value of a setting")
    return [f"{key}={text}" for key, text in changes.values()]


def _settings_in(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings in nested groups, by their dotted names."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        is_group = "." not in key or key.split(".")[-1] in COMPONENTS
        if isinstance(value, Mapping) and is_group:
            yield from _settings_in(value, f"{key}.")
        else:  # a mapping elsewhere is a value, as that of a limit
            yield key, value


def _plain(value: object) -> str:
    """A value as JSON; a path is its text."""

    def text(value: object) -> str:
        if isinstance(value, Path):
            return str(value)
        raise TypeError(f"{type(value).__name__} is none")

    try:
        return json.dumps(value, default=text)
    except TypeError as error:
        raise refusal(
            SettingError,
            "changes",
            found=f"a value that is no plain data ({reason(error)})",
            expected="numbers, text, lists and mappings",
            remedy="name a class as MODULE:NAME",
        ) from error


def change(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with changes of the form `key=value`; a length takes the place of the other.

    Raises:
        SettingError: a key is unknown, or a value does not fit.
    """
    settings = recipe.model_dump()
    given = {item.partition("=")[0] for item in changes}
    before = recipe.search.method
    for item in sorted(changes, key=_is_name, reverse=True):
        key, equals, value = item.partition("=")
        if not equals or not key:
            refuse(
                SettingError,
                "--set",
                found=repr(item),
                expected="KEY=VALUE, as search.epochs=10",
            )
        group, last = _group(settings, key, recipe)
        try:
            new = safe_yaml(value)
        except ValueError:
            refuse(SettingError, f"--set {key}", found=repr(value), expected="a YAML value")
        if last == COMPONENTS.get(key.split(".")[-2:][0]) and new != group.get(last):
            group.clear()  # the other settings belong to the former component
        group[last] = new
        other = OTHER_LENGTH.get(last)
        if new is not None and other in group and f"{key.rpartition('.')[0]}.{other}" not in given:
            group[other] = None
    search, kept = settings["search"], {key.removeprefix("search.") for key in given}
    settings["search"] = for_method(search, before, search["method"], kept)
    return as_recipe(settings)


def _is_name(item: str) -> bool:
    """Whether a change names a component; these come first, so that its settings are not lost."""
    key = item.partition("=")[0].split(".")
    return key[-1] in COMPONENTS or key[-1] == COMPONENTS.get(key[-2:][0])


def _group(settings: dict[str, Any], key: str, recipe: Recipe) -> tuple[dict[str, Any], str]:
    """The group of a dotted key, and its name there."""
    *path, last = key.split(".")
    level: Any = settings
    is_component = False
    for part in path:
        named = COMPONENTS.get(part)
        if isinstance(level, dict) and named and isinstance(level.get(part), str):
            level[part] = {named: level[part]}  # it had its short form
        level = level.get(part) if isinstance(level, dict) else None
        is_component = named is not None
    # The settings of a component depend on its name, so they are checked later, with that name.
    if not (isinstance(level, dict) and (is_component or _is_setting(level, last, bool(path)))):
        near = _near(key, list(flat(recipe.model_dump())))
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise SettingError(
            f"--set: there is no setting {key!r}; {hint}"
            f"`pdas recipes --show {recipe.name}` lists all"
        )
    return level, last


def _is_setting(group: dict[str, Any], name: str, is_inner: bool) -> bool:
    """Whether a group has this setting; of the outer groups only components are settings."""
    return name in group and (is_inner or name in COMPONENTS or not isinstance(group[name], dict))


def _near(key: str, keys: Sequence[str]) -> list[str]:
    """The settings that a mistyped key may mean, in its own group or in others."""
    names = [known.split(".")[-1] for known in keys]
    meant = get_close_matches(key.split(".")[-1], names, n=1, cutoff=0.85)
    elsewhere = [known for known, name in zip(keys, names, strict=True) if name in meant]
    return get_close_matches(key, keys, n=1, cutoff=0.85) or elsewhere


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except (OSError, ValueError) as error:
        raise SettingError(f"recipe: {file} cannot be read ({error})") from None
