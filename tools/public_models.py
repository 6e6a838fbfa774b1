"""Print the table of public models, with the lines that each took, into its page of the docs.

python -m tools.public_models
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.strangers.networks.row import Row
from tests.strangers.networks.rows import ROWS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "public-models.md"

INTRODUCTION = """\
# Public models, and what varies in them

Each row is a model of a package as it is, and the lines that make it a supernet: `model` is the
plain model, and `net = pdas.nn.Supernet(model)` comes after them. The tests hold each row to this:

- it passes `net.check`, and `net.derive(a, like=make)` starts as the plain model of `make()`;
- parameters and multiply-adds are those that another counter finds in derived networks;
- derived networks compute the same as the supernet to the last bit, in evaluation and in training;
- with the largest of everything it is the plain model, and it takes the plain model's state dict;
- a search under a limit runs, and what it finds is within the limit;
- supernet and derived network pickle, and `torch.export` and ONNX take the derived network.

They use small models of the same classes, with random weights. `make test` has the rows in bold
without ONNX, `make test-long` has all. This page is printed by `python -m tools.public_models`.
"""


def page() -> str:
    """The page as it should be."""
    return "\n".join([INTRODUCTION, *_table(), "", *_sections()])


def _table() -> Iterator[str]:
    yield "| package | model | what varies | lines |"
    yield "|---|---|---|---|"
    for row in ROWS:
        model = f"**{row.model}**" if row.quick else row.model
        link = f"[{_lines(row)}](#{row.name.replace('_', '-')})"
        yield f"| {row.package} | {model} | {row.varies} | {link} |"


def _sections() -> Iterator[str]:
    for row in ROWS:
        title = row.name.replace("_", " ")
        untested = "".join(f" Not tested is {name}: {why}." for name, why in row.without.items())
        yield f"## {title}\n\n{row.model}: {row.varies}.{untested}\n"
        yield f"```python\n{row.source()}\n```\n"


def _lines(row: Row) -> int:
    return sum(bool(line.strip()) for line in row.source().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
