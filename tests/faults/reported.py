"""The report as a reader of files: what its page says of a damaged one is the error."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from pdas.report.page import write_report
from pdas.support.errors import RunError


def reported(folder: Path) -> None:
    """Write the report.

    Raises:
        RunError: the first line of the page about a file that cannot be read, or that the directory
            is no run.
    """
    page = write_report(folder).read_text(encoding="utf-8")
    if found := re.search(r'<li class="missing">((?:/|run:).*?)</li>', page):
        raise RunError(unescape(found[1]))
