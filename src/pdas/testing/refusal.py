"""How an error of the user looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pdas.support.errors import PdasError


@contextmanager
def refusal(kind: type[PdasError]) -> Iterator[None]:
    """Expects an error of this kind, of one line."""
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    assert message and "\n" not in message
