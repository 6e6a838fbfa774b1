"""Methods by name: `search.method: {name: ..., its own settings}`, or the name alone.

A method is a file or a folder in `pdas.methods` that registers its settings. Their `build` makes an
optimizer or a `SearchMethod`. On the command line, `MODULE:NAME` names a method of the user.
"""

from __future__ import annotations

import inspect
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict

from pdas.methods.base import SearchMethod
from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture, SearchSpace, check_space
from pdas.support.components import Component
from pdas.support.errors import PdasError, SettingError, reason
from pdas.support.imports import imported
from pdas.support.refusals import refusal, refuse
from pdas.support.registry import Registry
from pdas.support.settings import validated

if TYPE_CHECKING:
    from torch import nn

    from pdas.methods.constraints.limit import Limit

Baseline: TypeAlias = Callable[[Architecture], Architecture]
"""From an architecture to the plain architecture of the same depth."""

Form: TypeAlias = Literal["as published", "reduced", "own space", "unpublished"]
"""How a method here relates to its publication: the same, with less compute, in another space; or
it has none."""


@dataclass(frozen=True)
class MethodRequest:
    """The search for which a method is built.

    Attributes:
        space: the space that is searched.
        seed: of all that the method draws.
        samples: architectures that a step trains.
        limits: of the search. An optimizer can ignore them, since it is wrapped for them.
        baseline: see `Baseline`; None for a family without it.

    Example:
        METHODS["random"]().build(MethodRequest(space, seed=0, samples=2)).best()
    """

    space: SearchSpace
    seed: int
    samples: int
    limits: Sequence[Limit] = ()
    baseline: Baseline | None = None


class MethodSettings(Component):
    """Settings of a method. A subclass adds its own settings and is registered by its name.

    Attributes:
        trains: whether the method trains; see `SearchMethod.trains`.
        smallest_tell: see `Optimizer`; 1 if it is not known before the method is built.
        search: values of `SearchSettings` by name, which hold with this method where they are not
            set otherwise, as {"samples": 1}.
        unused: names of `SearchSettings` that mean nothing to this method. Another value than the
            default is refused.
        published: changes of a recipe by dotted name that make its length the published one.
        form: how the method here relates to its publication.

    Example:
        @METHODS.named("evolution")
        class EvolutionSettings(MethodSettings):
            name: Literal["evolution"] = "evolution"
            population: int = 20
            def build(self, request): return Evolution(request.space, self.population)
    """

    trains: ClassVar[bool] = True
    smallest_tell: ClassVar[int] = 1
    search: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    unused: ClassVar[frozenset[str]] = frozenset()
    published: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    form: ClassVar[Form] = "as published"

    @abstractmethod
    def build(self, request: MethodRequest) -> Optimizer | SearchMethod:
        """A new method, or an optimizer, for a search."""

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        """The search method that runs the optimizer of `build`; by default Algorithm 1.

        Args:
            optimizer: with the limits of the search around it.
            learner: what is told the losses: the same, or a penalty around it.
        """
        from pdas.methods.sampled.method import Sampled

        return Sampled(optimizer, learner)

    def network(self, net: nn.Module) -> nn.Module:
        """The supernet that the method searches in; by default that of the search.

        Args:
            net: the supernet of the search.

        Raises:
            SettingError: the method cannot search in it.
        """
        return net


THETA = frozenset({"warmup", "theta_samples", "resample", "mask_inactive"})
"""Names of the settings of a search that say how Algorithm 1 updates theta."""

FINALISTS = frozenset({"finalists", "finalists_share", "finalists_epochs"})
"""Those of its finalists."""

STEPS = (
    THETA
    | FINALISTS
    | {"samples", "theta_mode", "train_weights", "patience", "stop_when_decided", "max_minutes"}
)
"""All that mean nothing where there are no steps."""

METHODS: Registry[type[MethodSettings]] = Registry("search.method", "pdas.methods")


class ExternalMethod(MethodSettings):
    """A method from a module of the user, `MODULE:NAME`, with any settings.

    NAME is a `MethodSettings`, a `SearchMethod`, which is called with the settings alone, or an
    optimizer, which is called with the space, `seed=` and the settings. The module is imported when
    a search begins.

    Example:
        ExternalMethod(name="evolution:Evolution", population=20).build(request)
    """

    model_config = ConfigDict(extra="allow")

    def build(self, request: MethodRequest) -> Optimizer | SearchMethod:
        kind: Any = imported(self.name, "search.method")
        settings = {key: _number(value) for key, value in (self.model_extra or {}).items()}
        if isinstance(kind, type) and issubclass(kind, MethodSettings):
            return validated(kind, settings, "search.method").build(request)
        try:
            if isinstance(kind, type) and issubclass(kind, SearchMethod):
                return kind(**settings)
            method: Optimizer = kind(request.space, seed=request.seed, **settings)
        except PdasError:
            raise
        except Exception as error:  # the user's code may raise anything
            raise refusal(
                SettingError,
                "search.method",
                found=f"that {self.name} cannot be made ({type(error).__name__}: {reason(error)})",
                expected="NAME(space, seed=...) for an optimizer",
                remedy="correct it, or its settings",
            ) from error
        return checked_optimizer(method, request.space)


def _number(value: object) -> object:
    """A number that YAML takes for text, as 1e-5, which no settings class converts here."""
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    return value


_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
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
    """The same object, if it is an optimizer of this space.

    Raises:
        SettingError: it is none, or of another space.
    """
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
