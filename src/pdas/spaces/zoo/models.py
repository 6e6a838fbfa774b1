"""The classifiers of torchvision, and of timm where torchvision has none of that name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from pdas.support.errors import SettingError, reason
from pdas.support.refusals import refusal, refuse

_AUXILIARY: Mapping[str, Any] = MappingProxyType({"aux_logits": False, "init_weights": True})
# These have further classifiers for training, of a loss that no other network has.
_OPTIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"googlenet": _AUXILIARY, "inception_v3": _AUXILIARY}
)


def check_known(name: str) -> None:
    """Check that there is a network of this name.

    Raises:
        SettingError: there is none; the message has near names.
    """
    if name in _torchvision_names() or _timm_has(name):
        return
    timm = _timm()
    names = [*_torchvision_names(), *([] if timm is None else timm.list_models())]
    near = get_close_matches(name, names, n=5)
    install = "" if timm else "; those of timm need `pip install 'pdas-nas[timm]'`"
    refuse(
        SettingError,
        "plain network",
        found=repr(name),
        expected=f"one of torchvision or timm, as {', '.join(near or ['resnet18'])}{install}",
    )


def made(name: str, classes: int) -> nn.Module:
    """A network with fresh weights.

    Args:
        name: one that `check_known` knows.
        classes: the number of outputs.
    """
    with warnings.catch_warnings():  # of the libraries, on how weights are drawn
        warnings.simplefilter("ignore")
        if name in _torchvision_names():
            from torchvision.models import get_model

            options = _OPTIONS.get(name, {})
            network: nn.Module = get_model(name, weights=None, num_classes=classes, **options)
            return network
        made_by_timm: nn.Module = _timm().create_model(name, num_classes=classes)
        return made_by_timm


def published_state(name: str) -> dict[str, Tensor]:
    """The published weights of a network, fetched where they are not on this machine yet.

    Args:
        name: one that `check_known` knows.

    Raises:
        SettingError: there are none, or they cannot be fetched, as where there is no network.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _published(name).state_dict()
    except Exception as error:  # of another library, which may raise anything
        raise refusal(
            SettingError,
            "plain network",
            found=f"that the published weights of {name} cannot be fetched ({reason(error)})",
            expected="them on this machine, or a network to fetch them",
            remedy="fetch them where there is one, or leave out :pretrained",
        ) from error


def _published(name: str) -> nn.Module:
    if name in _torchvision_names():
        from torchvision.models import get_model

        network: nn.Module = get_model(name, weights="DEFAULT")
        return network
    made_by_timm: nn.Module = _timm().create_model(name, pretrained=True)
    return made_by_timm


def _torchvision_names() -> list[str]:
    from torchvision import models

    names: list[str] = models.list_models(module=models)  # its classifiers of images
    return names


def _timm_has(name: str) -> bool:
    timm = _timm()
    return timm is not None and bool(timm.is_model(name))


def _timm() -> Any:
    """The library timm; None if it is not installed."""
    try:
        import timm
    except ImportError:
        return None
    return timm
