"""The site is built without a warning, has every public name, and asks no other host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

import pdas
import pdas.testing
from tests.docs.pages import ROOT
from tests.report.chromium import chromium

ASKED = [
    r"<script[^>]*\bsrc=[\"']?(https?:)?//[^\"'>]*",
    r"<link[^>]*\bhref=[\"']?(https?:)?//[^\"'>]*",
    r"<(?:img|iframe|audio|video|source|embed|object)[^>]*\b(?:src|data)=[\"']?(https?:)?//[^\"'>]*",
    r"(?:url\(|@import)\s*[\"']?(https?:)?//[^\"')]*",
    r"<(?:img|source)[^>]*\bsrcset=[\"']?[^>]*//[^\"'>]*",
    r"\bclass=[\"']?mermaid\b",  # for such drawings the theme asks a host for its program
]


def asked(text: str) -> list[str]:
    """What a page or a style sheet asks of other hosts when it is read."""
    return [found[0] for rule in ASKED for found in re.finditer(rule, text)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert built.returncode == 0 and not built.stderr.strip(), built.stderr
    return folder


def test_the_site_asks_no_other_host(site: Path) -> None:
    files = [file for kind in ("html", "css") for file in site.rglob(f"*.{kind}")]
    assert len(files) > 40
    assert {str(file): found for file in files if (found := asked(file.read_text()))} == {}


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<link rel=stylesheet href=//fonts.example/css>",
        '<img alt="" src="http://a.example/b.png">',
        "@font-face { src: url(https://fonts.example/a.woff2) }",
        '<img src="a.png" srcset="https://a.example/b.png 2x">',
        '<pre class="mermaid"><code>a --> b</code></pre>',
    ],
)
def test_a_request_is_found(text: str) -> None:
    assert asked(text)


def test_a_link_is_no_request() -> None:
    assert not asked('<a href="https://optuna.readthedocs.io">Optuna</a><img src="cells.png">')


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


def requests_of(browser: Chrome, page: Path) -> list[str]:
    """What the scripts of a page ask of other hosts, too."""
    browser.get(page.as_uri())
    time.sleep(0.5)  # scripts begin some requests after the page has been loaded
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert page.as_uri() in urls
    return [url for url in urls if url.startswith("http")]


@pytest.mark.parametrize("page", ["index", "algorithm", "reference/index", "other-tools"])
def test_a_browser_asks_no_other_host(browser: Chrome, site: Path, page: str) -> None:
    assert requests_of(browser, site / f"{page}.html") == []


def test_the_request_of_a_script_is_found(browser: Chrome, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<script>fetch('https://cdn.invalid/x.js').catch(() => 0)</script>")
    assert requests_of(browser, page) == ["https://cdn.invalid/x.js"]


@pytest.mark.parametrize(
    ("page", "module"),
    [("index", pdas), ("networks", pdas.nn), ("stages", pdas.stages), ("testing", pdas.testing)],
)
def test_the_reference_has_every_public_name(site: Path, page: str, module: object) -> None:
    text = (site / "reference" / f"{page}.html").read_text()
    names = [name for name in module.__all__ if name not in ("nn", "stages", "__version__")]  # type: ignore[attr-defined]
    assert [name for name in names if f">{name}<" not in text] == []


def test_the_reference_has_arguments_errors_examples_and_source(site: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (site / "reference" / "index.html").read_text())
    said = ["lambda &gt;= 2, how many architectures", "SpaceError", "optimizer.ask()"]
    for part in [*said, "Source code in src/pdas/methods/pdas/"]:
        assert part in text
