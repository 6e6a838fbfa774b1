"""How an error of the user looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pdas.support.errors import PdasError


@contextmanager
def refusal(kind: type[PdasError]) -> Iterator[None]:
    """Expects an error of this kind that says something; every `PdasError` is one line."""
    with pytest.raises(kind) as caught:
        yield
    assert str(caught.value)
