"""Things by name: methods, tasks, architecture families, data sets.

A room of such things is a package; each child of it that registers something is found without a
list. Children are imported when a name is first asked for, so they import what is heavy (torch)
inside functions. What is registered from elsewhere, by a program or by `pdas --import MODULE`, is
found in the same way.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Generic, TypeVar

from pdas.support.errors import SettingError, short
from pdas.support.refusals import refuse

T = TypeVar("T")


class Registry(Generic[T]):
    """What is registered, by name.

    Args:
        setting: that names one of them, for messages.
        room: the package whose children are imported first.
        folders: whether each of them is a folder; files of the room are then passed over.

    Example:
        TASKS: Registry[Task] = Registry("task", "pdas.tasks", folders=True)
        TASKS.add("classification", task)
        TASKS["classification"]
    """

    def __init__(self, setting: str, room: str, *, folders: bool = False) -> None:
        self._setting = setting
        self._room = room
        self._folders = folders
        self._found: dict[str, T] = {}
        self._is_complete = False

    def add(self, name: str, thing: T) -> T:
        """Register a thing; the same name again replaces it, as after a reload."""
        self._found[name] = thing
        return thing

    def named(self, name: str) -> Callable[[T], T]:
        """A decorator that registers what it decorates."""
        return lambda thing: self.add(name, thing)

    def names(self) -> tuple[str, ...]:
        """All names, in alphabetical order."""
        self._complete()
        return tuple(sorted(self._found))

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> T:
        """What has this name; raises `SettingError` that lists the names if nothing has it."""
        self._complete()
        if not isinstance(name, str) or name not in self._found:  # of a file, so anything
            refuse(
                SettingError,
                self._setting,
                found=short(name),
                expected=f"one of {', '.join(self.names())}",
                remedy="import the module that registers another first, as by pdas --import MODULE",
            )
        return self._found[name]

    def _complete(self) -> None:
        if self._is_complete:
            return
        own, self._found = self._found, {}
        self._is_complete = True  # before the imports, which may look names up
        try:
            for child in pkgutil.iter_modules(import_module(self._room).__path__):
                if child.ispkg or not self._folders:
                    import_module(f"{self._room}.{child.name}")
        except BaseException:  # Ctrl-C, say
            self._is_complete = False
            raise
        finally:
            self._found |= own
