"""Settings of a search in a network of one's own, by name; `docs/method.md` says what they gain."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pdas.errors import SettingError

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "default": MappingProxyType(
            {
                "optimizer": "adamw",
                "warmup": 0.4,
                "theta_samples": 8,
                "theta_mode": "eval",
                "finalists": 16,
                "finalists_share": 0.7,
            }
        ),
        "paper": MappingProxyType({}),
    }
)
LEARNING_RATES = {"sgd": 0.025, "adamw": 0.003}


def preset_values(preset: str, overrides: Mapping[str, Any], trains: bool) -> dict[str, Any]:
    """The settings of a preset, with a learning rate that suits what updates the weights.

    trains: whether finalists can be trained, as the network can be derived.

    Raises `SettingError` for an unknown preset.
    """
    if preset not in PRESETS:
        raise SettingError(
            f"preset: found {preset!r}, expected one of {', '.join(PRESETS)}; leave it out for "
            "the default"
        )
    values = dict(PRESETS[preset])
    if not trains:
        values.pop("finalists_share", None)
    if "samples" in overrides and "theta_samples" in values:
        values["theta_samples"] = max(values["theta_samples"], overrides["samples"])
    rate = LEARNING_RATES.get(overrides.get("optimizer", values.get("optimizer", "sgd")), 0.025)
    return {"learning_rate": rate} | values
