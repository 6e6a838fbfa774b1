"""The text of `metrics.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence


def metrics_text(rows: Sequence[Mapping[str, float | int]]) -> str:
    """A table with a header.

    Args:
        rows: by column; the cell of what a row does not have is empty.
    """
    text = io.StringIO(newline="")
    # The last row has all columns in order, the first ones none for theta during a warm-up.
    columns = dict.fromkeys(name for row in reversed(rows) for name in row)
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
