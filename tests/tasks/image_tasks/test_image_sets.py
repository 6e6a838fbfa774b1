"""Which images are in use, and what fits."""

from __future__ import annotations

import pytest

from pdas.searches.halves import check_batch_size
from pdas.support.errors import SettingError


@pytest.mark.parametrize("batch_size", [0, 51])
def test_a_batch_larger_than_a_half_is_refused(batch_size: int) -> None:
    check_batch_size(50, 50)
    expected = (
        rf"found {batch_size}, expected 1 to 50, the size of a half of the training data; "
        "add --set search.batch_size=50 or more images$"
    )
    with pytest.raises(SettingError, match=rf"^search\.batch_size: {expected}"):
        check_batch_size(batch_size, 50)


def test_no_batch_size_is_proposed_for_a_half_without_images() -> None:
    with pytest.raises(SettingError, match=r"; add images$"):
        check_batch_size(1, 0)
