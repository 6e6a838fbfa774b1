"""The quality of restored images, as a `result.json` of inpainting holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from pdas.report.values import is_number


@dataclass(frozen=True)
class Quality:
    """Means and standard deviations over images: PSNR in dB, and SSIM."""

    psnr: float
    psnr_std: float
    ssim: float
    ssim_std: float

    @classmethod
    def parse(cls, measures: object) -> Quality:
        """The quality among measures; raises ValueError or KeyError if it is not there."""
        if not isinstance(measures, Mapping):
            raise ValueError(f"{measures!r} is no mapping of measures")
        found = cls(*(measures[key] for key in ("psnr", "psnr_std", "ssim", "ssim_std")))
        if not all(map(is_number, astuple(found))):
            raise ValueError(f"{found} is not made of numbers")
        return found


@dataclass(frozen=True)
class Qualities:
    """What a network came to on the test images, and beside it the yardsticks by name.

    `by_class` is of the network again, by the class of the images; it may be empty.
    """

    network: Quality
    yardsticks: Mapping[str, Quality]
    by_class: Mapping[str, Quality]


def read_qualities(result: Mapping[str, object]) -> Qualities | None:
    """The qualities in a result, None if it is not one of inpainting.

    Raises ValueError or KeyError for what is there and makes no sense.
    """
    if "psnr" not in result:
        return None
    return Qualities(
        Quality.parse(result), _parse_all(result, "yardsticks"), _parse_all(result, "by_class")
    )


def _parse_all(result: Mapping[str, object], key: str) -> dict[str, Quality]:
    named = result.get(key, {})
    if not isinstance(named, Mapping):
        raise ValueError(f"{key} is {named!r}, not a mapping")
    return {str(name): Quality.parse(measures) for name, measures in named.items()}
