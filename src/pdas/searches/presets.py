"""Settings of a search in a network of one's own, by name; `docs/method.md` says what they gain."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pdas.methods.settings import SearchSettings
from pdas.searches.method import is_named
from pdas.support.components import Component
from pdas.support.errors import SettingError
from pdas.support.refusals import check_one_of, refuse
from pdas.support.settings import validated

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "default": {
            "method": {"name": "pdas", "eta_scale": 0.1},
            "optimizer": {"name": "adamw"},
            "warmup": 0.4,
            "theta_samples": 8,
            "theta_mode": "eval",
            "finalists": 18,
            "finalists_share": 0.4,
        },
        "paper": {},
    }
)


def settings_of(
    given: SearchSettings | None,
    preset: str | None,
    method: object,
    overrides: dict[str, Any],
    derivable: bool,
) -> SearchSettings:
    """The settings given, or else those of the preset, with single ones changed.

    Args:
        given: all settings.
        preset: the name of one; None for the default.
        method: what the user said of the method; a name or settings are taken into the settings.
        overrides: single settings by name.
        derivable: whether the network of an architecture can be derived; else there are no
            finalists.

    Raises:
        SettingError: for an unknown preset or setting, values that do not fit, or a preset beside
            settings.
    """
    if given is not None and preset is not None:
        refuse(
            SettingError,
            "preset",
            found=f"{preset!r} beside settings",
            expected="one of both",
            remedy="leave settings out, and give single ones by name, as epochs=60",
        )
    if is_named(method):
        overrides = {"method": method} | overrides
    if given is None:
        _check_epochs(overrides, derivable)
        values = _preset_values(preset or "default", overrides, derivable)
    else:
        values = {name: getattr(given, name) for name in type(given).model_fields}
    merged = {
        name: _merged(values.get(name), value) for name, value in _one_length(overrides).items()
    }
    return validated(type(given or SearchSettings()), values | merged, "search")


def _merged(before: object, change: object) -> object:
    """A component with single settings changed; the whole change if its name is another."""
    if isinstance(before, Component):
        before = before.model_dump()
    if isinstance(change, str):
        change = {"name": change} if isinstance(before, Mapping) else change
    if not (isinstance(before, Mapping) and isinstance(change, Mapping)):
        return change
    same = change.get("name", before.get("name")) == before.get("name")
    return {**before, **change} if same else change


def _check_epochs(overrides: Mapping[str, Any], derivable: bool) -> None:
    epochs = overrides.get("finalists_epochs")
    if epochs is not None and not derivable:
        refuse(
            SettingError,
            "search.finalists_epochs",
            found=f"{epochs}, while no finalist can be trained as there is no derive",
            expected="none",
            remedy="give derive, or leave it out",
        )


def _one_length(overrides: dict[str, Any]) -> dict[str, Any]:
    """With either of `steps` and `epochs` the other is none, unless it is given too."""
    others = {"steps": "epochs", "epochs": "steps"}
    return {others[name]: None for name in others if name in overrides} | overrides


def _preset_values(preset: str, overrides: Mapping[str, Any], derivable: bool) -> dict[str, Any]:
    """The settings of a preset, as far as they go with the overrides."""
    check_one_of("preset", preset, PRESETS, "leave it out for the default")
    values = dict(PRESETS[preset])
    if not derivable or overrides.get("finalists") == 0:
        values |= {"finalists": 0, "finalists_share": 0.0}
    if overrides.get("train_weights") is False:
        values |= {"warmup": 0.0}
    samples = overrides.get("samples")
    if isinstance(samples, int) and "theta_samples" in values:
        values["theta_samples"] = max(values["theta_samples"], samples)
    return values
