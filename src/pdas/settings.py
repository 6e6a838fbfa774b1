"""Every setting of an experiment, validated; the defaults are the paper's image classification."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pdas.nn.operations import OPERATIONS


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key or an infinite number is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSettings(Settings):
    """Which images, and how they are augmented in training."""

    name: Literal["digits", "fashion-mnist", "cifar10", "folder"] = "cifar10"
    image_size: int | None = Field(None, ge=1)  # pixels; None: that of the data set
    channels: Literal[1, 3] | None = None  # None: those of the data set
    test_fraction: float = Field(0.2, gt=0, lt=1)  # where the data set has no test part
    train_images: int | None = Field(None, ge=4)  # use this many, drawn at random; None: all
    pad: int = Field(4, ge=0)  # pixels around an image before the random crop
    flip: bool = True
    cutout: int = Field(16, ge=0)  # side of the square in pixels; 0: none
    memory_limit: float = Field(4.0, gt=0)  # GiB; a larger folder is read from disk
    workers: int = Field(2, ge=0)  # processes that read from disk


class NetworkSettings(Settings):
    """The cell space and the size of its supernet."""

    nodes: int = Field(5, ge=1)  # B
    cells_per_stage: int = Field(2, ge=1)  # N
    channels: int = Field(16, ge=2)  # C
    operations: tuple[str, ...] = Field(tuple(OPERATIONS), min_length=1)


class SearchSettings(Settings):
    """A search. An epoch is one pass over the half of the data that trains the weights."""

    method: Literal["pdas", "random"] = "pdas"  # random: an architecture drawn uniformly
    epochs: int = Field(200, ge=1)
    batch_size: int = Field(64, ge=1)
    samples: int = Field(2, ge=2)  # lambda
    theta_rate: Literal["adaptive", "fixed"] = "adaptive"  # eta by (13), or 1/n
    resample: bool = False  # draw new architectures for the update of theta
    learning_rate: float = Field(0.025, gt=0)  # of the weights; to 0 by cosine, per epoch
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(3e-4, ge=0)
    clip: float = Field(5.0, gt=0)  # largest norm of the gradient


class RetrainSettings(Settings):
    """The training of the found architecture, from fresh weights on the whole training set."""

    epochs: int = Field(600, ge=1)
    batch_size: int = Field(80, ge=1)
    cells_per_stage: int = Field(6, ge=1)  # N
    weight_limit: int = Field(3_000_000, ge=1)  # the width C is the largest under this limit
    drop_path: float = Field(0.3, ge=0, lt=1)  # at the last epoch, rising linearly from 0
    auxiliary_weight: float = Field(0.4, ge=0)  # 0: no auxiliary classifier
    learning_rate: float = Field(0.025, gt=0)  # to 0 by cosine, per epoch
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(3e-4, ge=0)
    clip: float = Field(5.0, gt=0)


class DeviceSettings(Settings):
    """Where and how precisely it is computed; see Lightning Fabric."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"


class Recipe(Settings):
    """One experiment, complete."""

    name: str
    description: str = ""
    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    search: SearchSettings = SearchSettings()
    retrain: RetrainSettings = RetrainSettings()
    device: DeviceSettings = DeviceSettings()


def one_line(error: ValidationError, prefix: str = "") -> str:
    """The first problem of a validation error: the setting, what was found, what was expected."""
    first = error.errors()[0]
    key = ".".join([*filter(None, [prefix]), *map(str, first["loc"])])
    if first["type"] == "extra_forbidden":
        return f"{key}: there is no such setting; see the keys in `pdas recipes --show NAME`"
    return f"{key}: found {first['input']!r}, {first['msg'][0].lower()}{first['msg'][1:]}"
