"""Settings of a search in the user's own network, by name; `docs/method.md` compares them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pdas.methods.components import ExternalMethod
from pdas.methods.pdas.method import PdasSettings
from pdas.methods.settings import SearchSettings, for_method, method_kind
from pdas.searches.method import is_named
from pdas.support.components import Component
from pdas.support.errors import SettingError
from pdas.support.refusals import check_one_of, refuse
from pdas.support.settings import validated
from pdas.training.settings import one_length

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
    settings: SearchSettings | None,
    preset: str | None,
    method: object,
    overrides: dict[str, Any],
    derivable: bool,
) -> SearchSettings:
    """The settings of a search: those of the caller or of a preset, with single changes.

    Args:
        settings: all settings; None for those of a preset.
        preset: the name of a preset; None for the default.
        method: the argument of `pdas.search`. A name or settings become part of the result.
        overrides: single settings by name.
        derivable: whether the network of an architecture can be derived. Otherwise there are no
            finalists by default that are trained; those judged with shared weights stay.

    Raises:
        SettingError: a preset or setting is unknown, a value does not fit, or there are both a
            preset and settings.
    """
    if settings is not None and preset is not None:
        refuse(
            SettingError,
            "preset",
            found=f"{preset!r} beside settings",
            expected="one of both",
            remedy="leave settings out, and pass single ones by name, as epochs=60",
        )
    if hasattr(overrides.get("optimizer"), "ask"):
        refuse(
            SettingError,
            "optimizer",
            found="an optimizer of architectures",
            expected="one of weights",
            remedy="give it as method=",
        )
    if is_named(method):
        overrides = {"method": method} | overrides
    if settings is None:
        _check_epochs(overrides, derivable)
        values = _preset_values(preset or "default", overrides, derivable)
    else:
        values = {name: getattr(settings, name) for name in type(settings).model_fields}
        values = for_method(values, settings.method, overrides.get("method", settings.method))
    merged = {
        name: _merged(values.get(name), value) for name, value in one_length(overrides).items()
    }
    return validated(type(settings or SearchSettings()), values | merged, "search")


def _merged(before: object, change: object) -> object:
    """A component with single settings changed; only the change if its name is another one."""
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
            remedy="pass derive, or leave it out",
        )


def _preset_values(preset: str, overrides: Mapping[str, Any], derivable: bool) -> dict[str, Any]:
    """The settings of a preset, changed where they contradict the overrides."""
    check_one_of("preset", preset, PRESETS, "leave it out for the default")
    values = dict(PRESETS[preset])
    if method_kind(overrides.get("method")) not in (PdasSettings, ExternalMethod):
        # The others have defaults of their own, in place of those of PDAS.
        values = {name: value for name, value in values.items() if name == "optimizer"}
    trained = {**method_kind(overrides.get("method")).search, **values}.get("finalists_share")
    if overrides.get("finalists") == 0 or (trained and not derivable):
        values |= {"finalists": 0, "finalists_share": 0.0}
    if overrides.get("train_weights") is False:
        values |= {"warmup": 0.0}
    samples = overrides.get("samples")
    if isinstance(samples, int) and "theta_samples" in values:
        values["theta_samples"] = max(values["theta_samples"], samples)
    return values
