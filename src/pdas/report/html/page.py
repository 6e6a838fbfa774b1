"""The skeleton of a page: one HTML file that needs nothing beside itself.

It is built as a tree and written by the library, which escapes every text and attribute.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from pdas.report.html.elements import add
from pdas.support.files import atomic_write
from pdas.support.opening import LARGEST_TEXT, open_file

_PICTURE = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>'  # no icon is asked for

_SCRIPT = "report.js"
_HEAD = 1000  # bytes, in which a page says what made it


def begin_page(name: str, refresh: int | None = None) -> tuple[Element, Element]:
    """A page in the look of all reports, and its main part, which is empty.

    The page may run its own script, show its own pictures, and ask nobody for anything.

    Args:
        name: of what it reports.
        refresh: seconds after which a browser loads it again; None for never.
    """
    html = Element("html", lang="en")
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="generator", content="pdas")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _policy()})
    if refresh is not None:
        SubElement(head, "meta", {"http-equiv": "refresh", "content": str(refresh)})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "meta", name="color-scheme", content="light dark")
    SubElement(head, "link", rel="icon", href=_PICTURE)
    add(head, "title", f"{name} - PDAS")
    add(head, "style", _static("report.css"))
    return html, SubElement(SubElement(html, "body"), "main")


def write_page(html: Element, path: Path) -> None:
    """Write a page.

    Args:
        html: of `begin_page`.
        path: of the file, which is replaced.

    Raises:
        RunError: it cannot be written.
    """
    for body in html.iter("body"):
        add(body, "script", _static(_SCRIPT))  # at the end, since it looks for what it serves
    text = tostring(html, encoding="unicode", method="html")
    with atomic_write(path) as file:
        file.write(f"<!DOCTYPE html>\n{text}\n".encode(errors="backslashreplace"))


def is_page(path: Path) -> bool:
    """Whether a file is a page that was written here.

    Args:
        path: of the file.
    """
    try:
        with open_file(path, LARGEST_TEXT) as file:
            return b'<meta name="generator" content="pdas">' in file.read(_HEAD)
    except (OSError, ValueError):
        return False


def _policy() -> str:
    digest = b64encode(sha256(_static(_SCRIPT).encode()).digest()).decode("ascii")
    own = f"script-src 'sha256-{digest}'"
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; {own}"


@cache
def _static(name: str) -> str:
    return files("pdas.report.html").joinpath("static", name).read_text(encoding="utf-8")
