"""To name a data set is quick: nothing heavy is imported until one is read."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "torchvision", "sklearn", "skimage", "scipy", "PIL")
CODE = f"""
import sys
from pdas.data.base import SETS
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings, RestorationDataSettings
assert len(SETS.names()) >= 8
for name in ("digits", "fashion-mnist", "cifar10", "folder"):
    LabelledDataSettings(name=name)
for name in ("photos", "fashion-mnist", "svhn", "celeba", "cars", "folder"):
    RestorationDataSettings(name=name)
sys.exit(", ".join(name for name in {HEAVY} if name in sys.modules))
"""


def test_all_sets_are_known_without_torch() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.stderr.strip() == ""
