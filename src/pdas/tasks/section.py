"""What a task adds to the report of a run, as data: the report knows how to show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A picture beside the page, which holds a copy.

    Attributes:
        file: of PNG.
        caption: in words, for people who do not see it.

    Example:
        Picture(folder / "mistakes.png", "Test images by their number")
    """

    file: Path
    caption: str


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column names the row.

    Attributes:
        headings: one for each column.
        title: if there is one, a reader can fold the table below it.
        is_open: whether a table with a title is unfolded at first.

    Example:
        Table(("", "blobs"), [("network", "3.1"), ("true", "3")])
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    is_open: bool = True


@dataclass(frozen=True)
class Section:
    """A part of the report on one retrained network, shown in the order of the attributes.

    Example:
        Section("Blobs of retrain-0", paragraphs=("Counted by eye.",))
    """

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
