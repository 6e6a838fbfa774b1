"""Settings of images: names of sets, ranges, and what a task says itself."""

from __future__ import annotations

import pytest
from loading import labelled, restoration

from pdas.support.errors import SettingError

LABELLED = "cifar10, digits, fashion-mnist, folder, imagenet"
RESTORATION = "cars, celeba, fashion-mnist, folder, photos, svhn"


@pytest.mark.parametrize("name", ["mnist", "celeba", "", None, 3])
def test_an_unknown_name(name: object) -> None:
    with pytest.raises(SettingError) as caught:
        labelled(name)
    assert str(caught.value).startswith(f"data.name: found {name!r}, expected ")
    if isinstance(name, str):
        expected = f"expected one of {LABELLED}; set it to one of them"
        assert str(caught.value) == f"data.name: found {name!r}, {expected}"


def test_a_set_without_the_use() -> None:
    with pytest.raises(SettingError) as caught:
        restoration("digits")
    assert str(caught.value) == (
        f"data.name: found 'digits', expected one of {RESTORATION}; set it to one of them"
    )


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("image_size", 0, "a number of at least 1; raise it"),
        ("channels", 2, "1 or 3; set it to one of them"),
        ("test_fraction", 1.0, "a number below 1; lower it"),
        ("test_fraction", 0.0, "a number above 0; raise it"),
        ("memory_limit", -1.0, "a number above 0; raise it"),
        ("workers", -1, "a number of at least 0; raise it"),
    ],
)
@pytest.mark.parametrize("load", [labelled, restoration])
def test_settings_out_of_range(load, setting: str, value: float, expected: str) -> None:
    with pytest.raises(SettingError) as caught:
        load("folder", **{setting: value})
    assert str(caught.value).startswith(f"data.{setting}: found ")
    assert str(caught.value).endswith(f", expected {expected}")


def test_crops_out_of_range() -> None:
    with pytest.raises(SettingError) as caught:
        restoration("photos", crops=0)
    assert str(caught.value) == ("data.crops: found 0, expected a number of at least 1; raise it")
