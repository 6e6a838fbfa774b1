"""Write the page of all settings, docs/settings.md, from the code: none can be forgotten.

    python -m tools.settings_page

What a setting is, is said by the comment behind it, or under "Attributes" of its class.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pdas.spaces.base import FAMILIES
from pdas.support.settings import Settings
from pdas.tasks.base import DEFAULT, TASKS
from pdas.training.components import OPTIMIZERS, SCHEDULES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
INTRODUCTION = """\
# All settings

Of a recipe, by group: what each may be, and its default. The shipped recipes set some otherwise;
`pdas recipes --show NAME` prints those of one. `--set GROUP.SETTING=VALUE` changes one; in Python
it is `changes={"GROUP.SETTING": VALUE}`. Where a task has another default, both are named.
`python -m tools.settings_page` writes this page from the code.
"""
NAMED = {  # what is chosen by name, and where its settings are
    "method": "a [method](methods/README.md)",
    "optimizer": "an [optimizer](#optimizers-of-weights)",
    "schedule": "a [schedule](#schedules)",
}
WORDS = {"integer": "integer", "number": "number", "boolean": "true or false", "string": "text"}
GROUPS = ("data", "search", "retrain", "device")


def page() -> str:
    """The page as it should be."""
    return "\n".join([INTRODUCTION, *_groups(), *_by_name()])


def _groups() -> Iterator[str]:
    recipes = {
        name: TASKS[name].recipe for name in (DEFAULT, *sorted({*TASKS.names()} - {DEFAULT}))
    }
    for group in GROUPS:
        kinds: dict[str, Any] = {
            task: recipe.model_fields[group].annotation for task, recipe in recipes.items()
        }
        yield from [f"## {group}", "", *_table(group, kinds), ""]
    for task, recipe in recipes.items():
        common = {*recipes[DEFAULT].model_fields}
        kind = recipe.model_fields
        yield from (
            f"`{name}` ({task}): {_said(recipe, name)}; {_shown(kind[name].default)} by default.\n"
            for name in kind
            if name not in common
        )


def _by_name() -> Iterator[str]:
    for name in FAMILIES.names():
        own = {"": FAMILIES[name].settings}
        yield from [f"## network: {name}", "", *_table("network", own), ""]
    for title, key, registry in (
        ("Optimizers of weights", "optimizer", OPTIMIZERS),
        ("Schedules", "schedule", SCHEDULES),
    ):
        yield from [f"## {title}", ""]
        for name in registry.names():
            yield from [f"### {name}", "", *_table(key, {"": registry[name]}), ""]


def _table(group: str, kinds: Mapping[str, type[Settings]]) -> Iterator[str]:
    """The rows of a group: of all settings that some task has."""
    yield from ["| setting | value | default | what it is |", "|---|---|---|---|"]
    names = dict.fromkeys(name for kind in kinds.values() for name in kind.model_fields)
    headings = {"name", "space"} if "" in kinds else set()
    for name in (each for each in names if each not in headings):
        has = {task: kind for task, kind in kinds.items() if name in kind.model_fields}
        kind = next(iter(has.values()))
        schemas = {task: each.model_json_schema() for task, each in has.items()}
        defaults = {task: schema["properties"][name]["default"] for task, schema in schemas.items()}
        only = "" if len(has) == len(kinds) else f"{' and '.join(has)} only: "
        schema = next(iter(schemas.values()))
        what = NAMED.get(name) or _type(schema["properties"][name], schema.get("$defs", {}))
        yield f"| `{group}.{name}` | {what} | {_defaults(defaults)} | {only}{_said(kind, name)} |"


def _defaults(of_tasks: Mapping[str, Any]) -> str:
    """The default of the first task, and those of others that differ."""
    (_, usual), *others = of_tasks.items()
    differing = [(task, default) for task, default in others if default != usual]
    return "; ".join([_shown(usual), *(f"{task}: {_shown(d, usual)}" for task, d in differing)])


def _type(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        inner = parts[schema["$ref"].rpartition("/")[2]]["properties"]
        return "{" + ", ".join(f"{key}: {_type(each, parts)}" for key, each in inner.items()) + "}"
    if "anyOf" in schema:
        return " or ".join(_type(each, parts) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(_shown(each) for each in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array":
        inside = schema.get("items") or schema["prefixItems"][0]
        count = schema.get("minItems") if "prefixItems" in schema else None
        several = re.sub(r"^(integer|number|text)", r"\1s", _type(inside, parts))
        return f"list of {f'{count} ' if count else ''}{several}"
    return "null" if kind == "null" else WORDS.get(str(kind), "a value") + _range(schema)


def _range(schema: Mapping[str, Any]) -> str:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    words = []
    if least is not None:
        words.append(f"{'above' if 'exclusiveMinimum' in schema else 'from'} {least:.15g}")
    if most is not None:
        words.append(f"{'and below' if 'exclusiveMaximum' in schema else 'to'} {most:.15g}")
    return "".join(f" {word}" for word in words)


def _shown(value: Any, beside: Any = None) -> str:
    """A default as it is written in a recipe: of a component its name, or what differs."""
    if isinstance(value, Mapping) and isinstance(beside, Mapping):
        value = {key: each for key, each in value.items() if each != beside.get(key)}
    elif isinstance(value, Mapping):
        value = value["name"]
    return f"`{json.dumps(value)}`".replace('"', "")


def _said(kind: type[Settings], name: str) -> str:
    """The comment behind a setting, or its line under "Attributes"."""
    for each in kind.__mro__:
        if not (issubclass(each, Settings) and name in vars(each).get("__annotations__", {})):
            continue
        source = inspect.getsource(each)
        comment = re.search(rf"^    {name}: .*?  # (.*)$", source, re.MULTILINE)
        attribute = re.search(rf"^        {name}: ((?:.*\n)(?: {{12}}.*\n)*)", source, re.MULTILINE)
        if found := comment or attribute:
            return " ".join(found[1].split()).rstrip(".").replace("|", "\\|")
    return ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
