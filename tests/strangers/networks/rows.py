"""All rows, in the order of the table."""

from __future__ import annotations

from tests.strangers.networks import (
    other_rows,
    rules_rows,
    timm_rows,
    torch_rows,
    torchvision_rows,
    torchvision_transformer_rows,
    transformers_rows,
)
from tests.strangers.networks.row import Row

MODULES = (
    torchvision_rows,
    torchvision_transformer_rows,
    timm_rows,
    transformers_rows,
    torch_rows,
    other_rows,
    rules_rows,
)
ROWS: list[Row] = [
    found for rows in MODULES for found in vars(rows).values() if isinstance(found, Row)
]
