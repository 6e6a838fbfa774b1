"""A browser for tests, which are skipped where it is missing, unless `PDAS_BROWSER=required`.

It is Debian's (`apt-get install chromium chromium-driver`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

BINARIES = ("chromium", "chromedriver")


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A browser without a window."""
    missing = [name for name in BINARIES if shutil.which(name) is None]
    if missing:
        assert os.environ.get("PDAS_BROWSER") != "required", f"no {' and '.join(missing)}"
        pytest.skip(f"no {' and '.join(missing)}")
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(str(shutil.which("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()
