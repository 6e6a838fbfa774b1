"""Methods by name: `search.method: {name: ..., its own settings}`, or the name alone.

A method is a file (or a folder) in `pdas.methods` that registers its settings, of which `build`
makes an optimizer or a `SearchMethod`. On the command line `MODULE:NAME` is one from anywhere.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import ConfigDict

from pdas.methods.base import SearchMethod
from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture, SearchSpace, check_space
from pdas.support.components import Component
from pdas.support.errors import PdasError, SettingError, reason
from pdas.support.imports import imported
from pdas.support.refusals import refusal, refuse
from pdas.support.registry import Registry

if TYPE_CHECKING:
    from pdas.methods.constraints.limit import Limit

Baseline: TypeAlias = Callable[[Architecture], Architecture]


@dataclass(frozen=True)
class MethodRequest:
    """What a method is built for.

    Attributes:
        space: the space that is searched.
        seed: of everything that the method draws.
        samples: architectures that a step trains.
        limits: that the search has; an optimizer need not know them.
        baseline: the plain architecture of the same depth as another one, of families that have it.
    """

    space: SearchSpace
    seed: int
    samples: int
    limits: Sequence[Limit] = ()
    baseline: Baseline | None = None


class MethodSettings(Component):
    """Settings of a method. A subclass adds its own, and is registered by its name.

    Attributes:
        trains: whether it makes a method that trains; see `SearchMethod.trains`.
        smallest_tell: see `Optimizer`, as far as it is known before the method is built.
    """

    trains: ClassVar[bool] = True
    smallest_tell: ClassVar[int] = 1

    @abstractmethod
    def build(self, request: MethodRequest) -> Optimizer | SearchMethod:
        """The method, ready for a search."""


METHODS: Registry[type[MethodSettings]] = Registry("search.method", "pdas.methods")


class ExternalMethod(MethodSettings):
    """A method from a module of the user: `MODULE:NAME`, with whatever settings it takes.

    The name is that of an optimizer, called with the space and `seed=`, of a `SearchMethod`, called
    with its settings alone, or of a `MethodSettings`. It is imported when a search begins.
    """

    model_config = ConfigDict(extra="allow")

    def build(self, request: MethodRequest) -> Optimizer | SearchMethod:
        kind: Any = imported(self.name, "search.method")
        settings = dict(self.model_extra or {})
        if isinstance(kind, type) and issubclass(kind, MethodSettings):
            return kind(name=self.name, **settings).build(request)
        try:
            if isinstance(kind, type) and issubclass(kind, SearchMethod):
                return kind(**settings)
            method: Optimizer = kind(request.space, seed=request.seed, **settings)
        except PdasError:
            raise
        except Exception as error:  # of someone else's code
            raise refusal(
                SettingError,
                "search.method",
                found=f"that {self.name} cannot be made ({type(error).__name__}: {reason(error)})",
                expected="NAME(space, seed=...) for an optimizer",
                remedy="mend it, or its settings",
            ) from error
        return checked_optimizer(method, request.space)


_MEMBERS = (  # of `pdas.methods.optimizer.Optimizer`
    "ask",
    "tell",
    "best",
    "space",
    "smallest_tell",
    "measures",
    "state_dict",
    "load_state_dict",
)


def _check_tell(method: Any) -> None:
    """Refuse a `tell` that cannot be told which variables are in use."""
    try:
        inspect.signature(method.tell).bind([], [], None)
    except TypeError:
        refuse(
            SettingError,
            "method",
            found=f"{_kind(method)}.tell{inspect.signature(method.tell)}",
            expected="tell(architectures, losses, active=None)",
            remedy="add the argument, which may be passed over",
        )


def _kind(method: object) -> str:
    return f"the class {method.__name__}" if isinstance(method, type) else type(method).__name__


def checked_optimizer(method: object, space: SearchSpace) -> Optimizer:
    """The optimizer; raises `SettingError` if it is none, or of another space."""
    is_class = isinstance(method, type)
    missing = [name for name in _MEMBERS if is_class or not hasattr(method, name)]
    if missing:
        refuse(
            SettingError,
            "method",
            found=_kind(method) if is_class else f"{_kind(method)} without {', '.join(missing)}",
            expected="a method's name, an optimizer with ask, tell, best and the rest of "
            "pdas.methods.optimizer.Optimizer, or a SearchMethod",
            remedy=f"make one: {getattr(method, '__name__', '')}(net.space)"
            if is_class
            else "add what it lacks, or use another",
        )
    _check_tell(method)
    optimizer: Any = method
    check_space("method", optimizer, space, SettingError, "make it with net.space")
    return optimizer  # type: ignore[no-any-return]
