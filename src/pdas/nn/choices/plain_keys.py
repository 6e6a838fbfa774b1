"""State dicts in the keys of the plain module that a choice stands for.

A choice registers its candidates by numbers. Where it stands in place of a layer, a state dict has
the keys of that layer: `layer.weight`, not `layer.0.weight`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn


def use_plain_keys(module: nn.Module, keys: Mapping[str, str]) -> None:
    """Save and load a module by other keys than those of its children.

    Args:
        module: to be changed in place.
        keys: by the beginning of a key of a child, as "0.", what stands for it, as "".
    """
    module._plain_keys = dict(keys)  # type: ignore[assignment]
    module.register_state_dict_post_hook(_saved)  # type: ignore[no-untyped-call]
    module.register_load_state_dict_pre_hook(_loaded)  # type: ignore[no-untyped-call]
    module.register_load_state_dict_post_hook(_reported)  # type: ignore[no-untyped-call]


def _saved(module: Any, state_dict: Any, prefix: str, local_metadata: Any) -> None:
    """Put the plain keys in place of those of the children."""
    _rename(state_dict, prefix, module._plain_keys)
    versions = state_dict._metadata  # of the modules, by their paths
    paths = {f"{path}.": versions.pop(path) for path in list(versions)}
    _rename(paths, prefix, module._plain_keys)
    versions.update({path.removesuffix("."): version for path, version in paths.items()})


def _loaded(module: Any, state_dict: Any, prefix: str, *others: Any) -> None:
    """Put the keys of the children in place of the plain ones."""
    # The longest first: what has no name of its own is a beginning of all.
    plain = sorted(module._plain_keys.items(), key=lambda item: -len(item[1]))
    _rename(state_dict, prefix, {new: old for old, new in plain})
    module._loading = prefix


def _reported(module: Any, incompatible: Any) -> None:
    """Name missing and unexpected keys by the plain ones."""
    for keys in (incompatible.missing_keys, incompatible.unexpected_keys):
        keys[:] = [_renamed(key, module._loading, module._plain_keys) for key in keys]


def _rename(values: Any, prefix: str, names: Mapping[str, str]) -> None:
    """Rename the keys of a mapping that begin with a prefix; see `_renamed`."""
    own = {key: values.pop(key) for key in list(values) if key.startswith(prefix)}
    values.update({_renamed(key, prefix, names): value for key, value in own.items()})


def _renamed(key: str, prefix: str, names: Mapping[str, str]) -> str:
    """A key in which the first of the names that stands after the prefix is replaced."""
    rest = key[len(prefix) :] if key.startswith(prefix) else ""
    old = next((name for name in names if rest.startswith(name)), None)
    return key if old is None or not rest else prefix + names[old] + rest[len(old) :]
