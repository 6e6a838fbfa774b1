"""Every setting of an experiment, validated; the defaults are the paper's image classification."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.nn.cell.layout import NetworkSettings
from pdas.validated import Settings

LARGEST_SEED = 2**32 - 1


class DataSettings(Settings):
    """Which images, and how they are augmented in training."""

    name: Literal["digits", "fashion-mnist", "cifar10", "folder"] = "cifar10"
    image_size: int | None = Field(None, ge=1)  # pixels; None: that of the data set
    channels: Literal[1, 3] | None = None  # None: those of the data set
    test_fraction: float = Field(0.2, gt=0, lt=1)  # where the data set has no test part
    train_images: int | None = Field(None, ge=4)  # use this many, drawn at random; None: all
    split_seed: int = Field(0, ge=0, le=LARGEST_SEED)  # which images are for the test, or in use
    pad: int = Field(4, ge=0)  # pixels around an image before the random crop
    flip: bool = True
    cutout: int = Field(16, ge=0)  # side of the square in pixels; 0: none
    memory_limit: float = Field(4.0, gt=0)  # GiB; a larger folder is read from disk
    workers: int = Field(2, ge=0)  # processes that read from disk


class TrainingSettings(Settings):
    """What both trainings of weights by SGD need."""

    learning_rate: float = Field(0.025, gt=0)  # of the weights; to 0 by cosine, per epoch
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(3e-4, ge=0)
    clip: float = Field(5.0, gt=0)  # largest norm of the gradient


class SearchSettings(TrainingSettings):
    """A search. An epoch is one pass over the half of the data that trains the weights."""

    method: Literal["pdas", "random"] = "pdas"  # random: an architecture drawn uniformly
    epochs: int = Field(200, ge=1)
    batch_size: int = Field(64, ge=1)
    samples: int = Field(2, ge=2)  # lambda
    theta_rate: Literal["adaptive", "fixed"] = "adaptive"  # eta by (13), or 1/n
    resample: bool = False  # draw new architectures for the update of theta


class RetrainSettings(TrainingSettings):
    """The training of the found architecture, from fresh weights on the whole training set."""

    epochs: int = Field(600, ge=1)
    batch_size: int = Field(80, ge=2)  # the auxiliary classifier normalises maps of one pixel
    cells_per_stage: int = Field(6, ge=1)  # N
    weight_limit: int = Field(3_000_000, ge=1)  # the width C is the largest under this limit
    drop_path: float = Field(0.3, ge=0, lt=1)  # at the last epoch, rising linearly from 0
    auxiliary_weight: float = Field(0.4, ge=0)  # 0: no auxiliary classifier


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
