"""Settings of a search in a network of one's own, by name; `docs/method.md` says what they gain."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pdas.searches.settings import SearchSettings
from pdas.support.errors import SettingError
from pdas.support.settings import validated

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "default": {
            "weights": "adamw",
            "warmup": 0.4,
            "theta_samples": 8,
            "theta_mode": "eval",
            "eta_scale": 0.1,
            "finalists": 18,
            "finalists_share": 0.4,
        },
        "paper": {},
    }
)
LEARNING_RATES = {"sgd": 0.025, "adamw": 0.003}


def settings_of(
    given: SearchSettings | None, preset: str | None, overrides: dict[str, Any], derivable: bool
) -> SearchSettings:
    """The settings given, or else those of the preset, with single ones changed.

    derivable: whether the network of an architecture can be derived; else there are no finalists.

    Raises `SettingError` for an unknown preset or setting, values that do not fit, or a preset
    beside settings.
    """
    if given is not None and preset is not None:
        raise SettingError(
            f"preset: found {preset!r} beside settings, expected one of both; leave settings out, "
            "and give single ones by name, as epochs=60"
        )
    if given is None:
        _check_epochs(overrides, derivable)
        values = _preset_values(preset or "default", overrides, derivable)
    else:
        values = given.model_dump()
    return validated(type(given or SearchSettings()), values | _one_length(overrides), "search")


def _check_epochs(overrides: Mapping[str, Any], derivable: bool) -> None:
    epochs = overrides.get("finalists_epochs")
    if epochs is not None and not derivable:
        raise SettingError(
            f"search.finalists_epochs: found {epochs}, while no finalist can be trained as there "
            "is no derive, expected none; give derive, or leave it out"
        )


def _one_length(overrides: dict[str, Any]) -> dict[str, Any]:
    """With either of `steps` and `epochs` the other is none, unless it is given too."""
    others = {"steps": "epochs", "epochs": "steps"}
    return {others[name]: None for name in others if name in overrides} | overrides


def _preset_values(preset: str, overrides: Mapping[str, Any], derivable: bool) -> dict[str, Any]:
    """The settings of a preset, with a learning rate that suits what updates the weights."""
    if preset not in PRESETS:
        raise SettingError(
            f"preset: found {preset!r}, expected one of {', '.join(PRESETS)}; leave it out for "
            "the default"
        )
    values = dict(PRESETS[preset])
    if not derivable or overrides.get("finalists") == 0:
        values |= {"finalists": 0, "finalists_share": 0.0}
    samples = overrides.get("samples")
    if isinstance(samples, int) and "theta_samples" in values:
        values["theta_samples"] = max(values["theta_samples"], samples)
    weights = str(overrides.get("weights", values.get("weights", "sgd")))
    # an unknown name is refused with all settings
    return {"learning_rate": LEARNING_RATES.get(weights, 0.025)} | values
