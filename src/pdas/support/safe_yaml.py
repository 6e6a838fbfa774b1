"""YAML without trust in its author: plain values only, and each of them written in full."""

from __future__ import annotations

from typing import Any

import yaml

LARGEST = 100_000  # characters, since PyYAML reads slowly


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


def safe_yaml(text: str) -> Any:
    """The plain values in a YAML text.

    Raises:
        ValueError: the text is no YAML, is too long, or has aliases or a key twice.
    """
    if len(text) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} characters")
    try:
        return _PlainLoader(text).get_single_data()
    except Exception as error:  # PyYAML lets other errors through, as for an impossible date
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(lines[0]) from None
