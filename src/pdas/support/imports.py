"""Functions and classes of the user's own, which a setting names as MODULE:NAME.

To import a module is to run it. So whoever reads such a setting from a file must have asked the
user first.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pdas.support.errors import PdasError, SettingError, reason, short
from pdas.support.refusals import refusal


def imported(
    name: str, setting: str, *, noun: str = "name", others: Sequence[str] = ()
) -> Callable[..., Any]:
    """The function or class that "MODULE:NAME" names.

    A module that is not on the path of imports is read from the working directory.

    Args:
        name: as the user wrote it.
        setting: that holds it, for messages.
        noun: what is looked for, for messages; "function" is asked for as MODULE:FUNCTION.
        others: what the setting may also be, for messages.

    Raises:
        SettingError: it has another form, its module cannot be imported, or has no such function
            or class.

    Example:
        imported("evolution:Evolution", "search.method", noun="class")
    """

    def refused(found: str, remedy: str) -> PdasError:
        form = f"MODULE:{noun.upper()}"
        expected = f"{', '.join(others)} or {form}" if others else form
        return refusal(
            SettingError,
            setting,
            found=f"{short(name)}{found}",
            expected=expected,
            remedy=remedy,
        )

    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise refused("", "set it to one of them" if others else "write it in this form")
    try:
        module = _module(module_name)
    except Exception as error:  # running a module of the user's may raise anything
        remedy = f"mend {module_name}.py or run where it can be imported"
        raise refused(f" ({reason(error)})", remedy) from error
    found: Any = getattr(module, attribute, None)
    if not callable(found):
        where = getattr(module, "__file__", None) or module_name
        raise refused(f", but no {noun} {attribute} in {where}", "define it or name another")
    return found  # type: ignore[no-any-return]


_by_request: list[str] = []  # modules that `import_modules` has imported, in order


def import_modules(names: Sequence[str], setting: str = "--import") -> None:
    """Import modules that register something, as methods, tasks, or data sets.

    A module that is not on the path of imports is read from the working directory.

    Args:
        names: of the modules, as in an `import` statement.
        setting: that holds them, for messages.

    Raises:
        SettingError: one of them cannot be imported.

    Example:
        import_modules(["my_methods"])
    """
    for name in names:
        if name in _by_request:
            continue
        try:
            module = _module(name)
        except Exception as error:  # running a module of the user's may raise anything
            raise refusal(
                SettingError,
                setting,
                found=f"{short(name)} ({reason(error)})",
                expected="a module",
                remedy=f"leave out .py: --import {name.removesuffix('.py')}"
                if name.endswith(".py")
                else f"mend {name}.py or run where it can be imported",
            ) from error
        # Kept, unlike in `imported`: what is pickled for a worker is looked up here by name.
        sys.modules[name] = module
        _by_request.append(name)


def imported_modules() -> tuple[str, ...]:
    """What `import_modules` has imported, for worker processes to import it too."""
    return tuple(_by_request)


def _module(name: str) -> ModuleType:
    """The module, by the path of imports or else from the working directory."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        path = Path.cwd().joinpath(*name.split(".")).with_suffix(".py")
        missing = error.name is not None and f"{name}.".startswith(f"{error.name}.")
        if not (missing and path.is_file()):  # or it lacks a module that it imports itself
            raise
    # The installed command does not have the working directory on its path, and it is left off: a
    # file of the user's must not come in the place of a module that something else imports later.
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # the suffix is that of Python source
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it while it is executed
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module
