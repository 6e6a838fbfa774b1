"""The pages in a browser: on a phone, on a desk, light, dark, by keyboard, for screen readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from torch import nn

from pdas.nn import Choice, Linear, Supernet, Value
from pdas.nn.overview.tree import overview
from pdas.report.page import write_report
from pdas.report.several.which import write_page_of
from tests.comparing.made_up import make_comparison
from tests.report.chromium import chromium

PHONE, DESK = (390, 844), (1280, 900)

SMALL_TEXTS = """
const found = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode, parent = text.parentElement;
  if (!text.textContent.trim() || !parent.getClientRects().length) continue;
  const matrix = parent.getScreenCTM ? parent.getScreenCTM() : { a: 1, b: 0 };
  const size = parseFloat(getComputedStyle(parent).fontSize) * Math.hypot(matrix.a, matrix.b);
  if (size < 10.99) found.push([size, text.textContent]);
}
return found;
"""

# What reaches beyond the page, or beyond a part that does not say so by scrolling.
CUT = """
const found = [];
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > width) found.push("the page");
for (const element of document.querySelectorAll("main *")) {
  if (element.closest(".scroll, pre, svg")) continue;
  if (element.getBoundingClientRect().right > width + 1) found.push(element.outerHTML.slice(0, 80));
}
return found;
"""

# Texts whose contrast with what they stand on is below 4.5, of WCAG's level AA.
PALE_TEXTS = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const painted = (colours) => {
  for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) => c / 255);
};
const luminance = (rgb) => rgb
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const found = [];
for (const element of document.querySelectorAll("main *:not(svg *)")) {
  const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.getClientRects().length) continue;
  const below = [];
  for (let at = element; at; at = at.parentElement)
    below.unshift(getComputedStyle(at).backgroundColor);
  const back = luminance(painted(below));
  const text = luminance(painted([...below, getComputedStyle(element).color]));
  const contrast = (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05);
  if (contrast < 4.5) found.push([contrast, element.textContent.slice(0, 40)]);
}
return found;
"""

UNNAMED = """
return [...document.querySelectorAll("svg, img, input, [role=region]")]
  .filter((e) => !(e.getAttribute("aria-label") || e.alt || e.labels?.length))
  .map((e) => e.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def classified(make_run: Callable[..., Path]) -> Path:
    """A run with all that a classifier has, and a name that is too long for a phone."""
    run = make_run(classes=("a cat with a very long name indeed, of many words", "dog"))
    course = "step,epoch,loss,accuracy\n2,1,1.0,0.5\n4,2,1,0.6\n"
    (run / "retrain-0" / "metrics.csv").write_text(course)
    finalist = {"architecture": {"a": 1}, "loss": 0.5, "steps": 80, "shared_loss": 0.7}
    (run / "finalists.json").write_text(json.dumps({"finalists": [finalist]}))
    return run


@pytest.fixture
def restored_run(
    make_run: Callable[..., Path],
    random_chain: Callable[..., dict[str, Any]],
    add_retraining: Callable[..., Path],
    restored: Callable[..., dict[str, Any]],
    write_samples: Callable[..., dict[str, Any]],
) -> Path:
    run = make_run(architecture=random_chain(6, 0), errors=())
    write_samples(add_retraining(run, 0, restored()))
    return run


@pytest.fixture
def broken(make_run: Callable[..., Path]) -> Path:
    run = make_run(errors=())
    (run / "architecture.json").unlink()
    (run / "metrics.csv").write_text("step\nmuch\n")
    return run


@pytest.fixture
def sweep_of_runs(make_run: Callable[..., Path], random_cells: Callable[..., Any]) -> Path:
    """A sweep of which one run is not finished and one failed with a long line."""
    for seed in range(3):
        run = make_run(f"seed-{seed}", errors=(seed + 1.5,), architecture=random_cells(3, seed))
    (run / "architecture.json").unlink()
    failed = {"7": f"retrain.weight_limit: found {10**60}, expected a few words more"}
    (run.parent / "sweep.json").write_text(json.dumps({"failed": failed}))
    return run.parent


@pytest.fixture
def comparison_of_rows(tmp_path: Path, random_cells: Callable[..., Any]) -> Path:
    path = make_comparison(tmp_path, {"pdas": [3.0, 3.1], "plain:resnet18": [4.0, 4.2], "nas": []})
    for seed in (0, 1):
        run = path / "pdas" / f"seed-{seed}"
        (run / "architecture.json").write_text(json.dumps(random_cells(3, seed)))
        (run / "metrics.csv").write_text(f"step,decided,loss\n3,0.{seed},1\n6,0.5,0.5\n")
        (run / "report.html").write_text("of the run")
    return path


@pytest.fixture
def own_network(make_run: Callable[..., Path]) -> Path:
    """A search in a network of one's own, whose drawing is wider than a phone."""
    width = Value("width", [2, 8])
    acts = {"relu": nn.ReLU(), "an activation of many words": nn.Tanh()}
    blocks = [nn.Sequential(Linear(width, width), Choice(f"act{i}", acts)) for i in range(3)]
    net = Supernet(nn.Sequential(Linear(3, width), *blocks, Linear(width, 1)))
    run = make_run(architecture=net.largest.to_dict(), errors=())
    (run / "modules.json").write_text(json.dumps(overview(net).to_json()))
    return run


@pytest.fixture(
    params=[
        "classified",
        "restored_run",
        "broken",
        "own_network",
        "sweep_of_runs",
        "comparison_of_rows",
    ]
)
def page(request: pytest.FixtureRequest) -> Path:
    return write_page_of([request.getfixturevalue(request.param)])


def show(browser: Chrome, page: Path, size: tuple[int, int] = PHONE, scheme: str = "light") -> None:
    """Open a page, with all that is folded unfolded."""
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true));")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_page_can_be_read(
    browser: Chrome, page: Path, size: tuple[int, int], scheme: str
) -> None:
    show(browser, page, size, scheme)
    assert browser.execute_script(SMALL_TEXTS) == []
    assert browser.execute_script(CUT) == []
    assert browser.execute_script(PALE_TEXTS) == []
    assert browser.execute_script(UNNAMED) == []
    assert browser.get_log("browser") == []


def test_what_is_wider_than_a_phone_says_so_and_scrolls_by_keyboard(
    browser: Chrome, classified: Path
) -> None:
    show(browser, write_report(classified))
    wide = [
        part
        for part in browser.find_elements(By.CSS_SELECTOR, ".scroll")
        if part.get_property("scrollWidth") > part.get_property("clientWidth")
    ]
    assert wide  # the drawing at least
    for part in wide:
        assert "gradient" in part.value_of_css_property("background-image")
        part.send_keys(Keys.ARROW_RIGHT)
        browser.execute_async_script("setTimeout(arguments[0], 300)")
        assert part.get_property("scrollLeft") > 0


def shares(browser: Chrome) -> list[str]:
    return [box.text for box in browser.find_elements(By.CSS_SELECTOR, ".heat li span + span")]


def test_the_slider_goes_back_by_keyboard_and_says_the_step(
    browser: Chrome, classified: Path
) -> None:
    show(browser, write_report(classified), DESK)
    slider = browser.find_element(By.CSS_SELECTOR, ".theta input")
    theta = np.load(classified / "theta.npz")["theta"]
    assert shares(browser) == [f"{100 * p:.0f} %" for p in theta[-1][:6]]
    assert slider.get_attribute("aria-valuetext") == "step 40"
    slider.send_keys(Keys.ARROW_LEFT)
    assert slider.get_attribute("aria-valuetext") == "step 30"
    slider.send_keys(Keys.HOME)
    assert shares(browser) == [f"{100 * p:.0f} %" for p in theta[0][:6]]
    assert browser.find_element(By.CSS_SELECTOR, ".theta output").text == "step 0"


def test_folds_open_by_keyboard(browser: Chrome, classified: Path) -> None:
    show(browser, write_report(classified), DESK)
    folds = browser.find_elements(By.CSS_SELECTOR, "details")
    assert folds
    for fold in folds:
        before = fold.get_property("open")
        fold.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
        assert fold.get_property("open") is not before


def test_without_its_script_the_page_shows_the_last_step(browser: Chrome, classified: Path) -> None:
    page = write_report(classified)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page.as_uri())
        assert not browser.find_element(By.CSS_SELECTOR, ".slider").is_displayed()
        assert browser.find_element(By.CSS_SELECTOR, ".heat li").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_page_with_every_fault_is_found_out(browser: Chrome, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<!DOCTYPE html><meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<body style='background: white'><main><p style='font-size: 9px'>small</p>"
        "<p style='color: #bbb'>pale</p><table style='width: 900px'><td>wide</td></table>"
        "<svg></svg><script>nothing()</script></main>"
    )
    show(browser, page)
    assert [text for _, text in browser.execute_script(SMALL_TEXTS)] == ["small"]
    assert [text for _, text in browser.execute_script(PALE_TEXTS)] == ["pale"]
    assert browser.execute_script(CUT) and browser.execute_script(UNNAMED)
    assert browser.get_log("browser")
