"""The base of what notebooks show: the view of the nearest class, and a line of any error."""

from __future__ import annotations

import pytest

from pdas.support.display.shown import VIEWS, Shown


class Strange(Shown):
    pass


class Stranger(Strange):
    pass


def test_a_class_has_the_view_of_its_name_or_of_its_base(monkeypatch: pytest.MonkeyPatch) -> None:
    VIEWS.names()  # of those that there are
    monkeypatch.setitem(VIEWS._found, "Strange", lambda value: f"<p>{type(value).__name__}</p>")
    assert Strange()._repr_html_() == "<p>Strange</p>"
    assert Stranger()._repr_html_() == "<p>Stranger</p>"


def test_an_error_of_a_view_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def view(value: object) -> str:
        raise KeyError("<b>\n")

    VIEWS.names()
    monkeypatch.setitem(VIEWS._found, "Strange", view)
    html = Strange()._repr_html_()
    assert html.startswith("<p>Strange cannot be shown: ") and html.count("<") == 2
    assert "cannot be shown" in Shown()._repr_html_()


def test_it_has_no_dictionary_of_its_own() -> None:
    class Slim(Shown):
        __slots__ = ()

    assert not hasattr(Slim(), "__dict__")
