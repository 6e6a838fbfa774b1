"""The page of public models says what the rows are."""

from __future__ import annotations

from tests.strangers.networks.rows import ROWS
from tools.public_models import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tools.public_models"


def test_rows_have_names_of_their_own_and_a_third_is_quick() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 25
    assert 3 * sum(row.quick for row in ROWS) >= len(ROWS)
