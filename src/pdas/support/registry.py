"""Things by name: methods, tasks, architecture families, data sets.

The things of one kind are the modules of one package, which register themselves. There is no list
of them. All are imported when a name is first looked up, so they import torch and other large
packages inside functions. A program, or `pdas --import MODULE`, can register further things.
"""

from __future__ import annotations

import pkgutil
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Generic, TypeVar

from pdas.support.errors import SettingError, short
from pdas.support.refusals import refuse

T = TypeVar("T")


class Registry(Generic[T]):
    """Registered things, by name.

    Args:
        setting: that names one of them, for messages.
        room: the package whose modules are imported first.
        folders: whether each thing is a folder; files of the package are then not imported.

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
        self._lock = threading.RLock()  # of threads, one imports and the others wait

    def add(self, name: str, thing: T) -> T:
        """Register a thing. It replaces a former one of this name, as after a reload."""
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
        """The thing of this name.

        Raises:
            SettingError: there is none; the message lists the names.
        """
        self._complete()
        # The name may come from a file, so it may be of any type.
        if not isinstance(name, str) or name not in self._found:
            refuse(
                SettingError,
                self._setting,
                found=short(name),
                expected=f"one of {', '.join(self.names())}",
                remedy="import the module that registers another first, as by pdas --import MODULE",
            )
        return self._found[name]

    def _complete(self) -> None:
        with self._lock:
            if not self._is_complete:
                self._import_children()

    def _import_children(self) -> None:
        # Set aside, since things that were added by hand replace those of the package.
        own, self._found = self._found, {}
        self._is_complete = True  # before the imports, since these may look up names
        try:
            for child in pkgutil.iter_modules(import_module(self._room).__path__):
                if child.ispkg or not self._folders:
                    import_module(f"{self._room}.{child.name}")
        except BaseException:  # also of Ctrl-C
            self._is_complete = False
            raise
        finally:
            self._found |= own
