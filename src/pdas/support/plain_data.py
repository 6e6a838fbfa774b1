"""YAML and JSON without trust in their author: plain values only, each written in full."""

from __future__ import annotations

import json
from typing import Any

import yaml

LARGEST_YAML = 100_000  # characters, since PyYAML reads slowly
LARGEST_INTEGER = 2**64  # far larger ones do not even fit into a float


class _PlainLoader(yaml.SafeLoader):
    """Without aliases: a few lines of them can stand for more values than there is memory for."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses an alias, expected every value in full")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse keys that occur twice; one of them would be lost without a message."""
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("it merges mappings by <<, expected every value in full")
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.YAMLError("it has a key twice, expected every key once")
        return mapping

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        value = super().construct_object(node, deep)
        return _bounded(value) if isinstance(value, int) else value


def safe_yaml(text: str) -> Any:
    """The plain values in a YAML text.

    Raises:
        ValueError: the text is no YAML, is too long, or has aliases, a key twice or an integer of
            more than 64 bits.
    """
    if len(text) > LARGEST_YAML:
        raise ValueError(f"it has more than {LARGEST_YAML} characters")
    try:
        return _PlainLoader(text).get_single_data()
    except Exception as error:  # PyYAML lets other errors through, as for an impossible date
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(lines[0]) from None


def safe_json(text: str) -> Any:
    """The plain values in a JSON text; `NaN` and `Infinity` are numbers in it, as Python writes.

    Raises:
        ValueError: the text is no JSON, is nested too deeply, or has an integer of more than 64
            bits.
    """
    try:
        return json.loads(text, parse_int=lambda digits: _bounded(int(digits[:30])))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _bounded(value: int) -> int:
    if abs(value) >= LARGEST_INTEGER:
        raise ValueError("it has an integer of more than 64 bits")
    return value
