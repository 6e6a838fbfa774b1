"""Values that a notebook shows by a view: a drawing and a short table.

A view reads families, reports and drawings, which stand above most values. So it is looked up by
the name of the class when a notebook asks, as what is registered elsewhere is; the views are in
`pdas.notebook`.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, TypeAlias

from pdas.support.errors import printable, reason
from pdas.support.registry import Registry

View: TypeAlias = Callable[[Any], str]
"""Makes the HTML of a value, which needs nothing beside itself."""

VIEWS: Registry[View] = Registry("view", "pdas.notebook")


class Shown:
    """The base of values that notebooks show; the view has the name of the class, or of a base.

    A notebook is never stopped by it: what cannot be shown gives a line.

    Example:
        class SearchSpace(Shown, Mapping): ...

        @VIEWS.named("SearchSpace")
        def space_view(space): return "<p>...</p>"
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        name = type(self).__name__
        try:
            named = next(kind.__name__ for kind in type(self).__mro__ if kind.__name__ in VIEWS)
            return VIEWS[named](self)
        except Exception as error:  # of a damaged run, a full disk, code of the user's
            return f"<p>{escape(name)} cannot be shown: {escape(printable(reason(error)))}</p>"
