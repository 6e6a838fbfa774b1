"""Every setting of an experiment, validated; the defaults are the paper's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import Self

from pdas.spaces.autoencoders.space import ChainSettings
from pdas.spaces.cells.layout import NetworkSettings
from pdas.support.errors import SettingError
from pdas.support.settings import Settings, flat, validated

LARGEST_SEED = 2**32 - 1


class ImageSettings(Settings):
    """Which images, of any task."""

    image_size: int | None = Field(None, ge=1)  # pixels; None: that of the data set
    channels: Literal[1, 3] | None = None  # None: those of the data set
    test_fraction: float = Field(0.2, gt=0, lt=1)  # where the data set has no test part
    train_images: int | None = Field(None, ge=4)  # use this many, drawn at random; None: all
    split_seed: int = Field(0, ge=0, le=LARGEST_SEED)  # images in use, and for the test; its masks
    flip: bool = True  # in training, at random
    memory_limit: float = Field(4.0, gt=0)  # GiB; a larger set of files is read from disk
    workers: int = Field(2, ge=0)  # processes that read from disk


class DataSettings(ImageSettings):
    """Labelled images, and how they are augmented in training."""

    name: Literal["digits", "fashion-mnist", "cifar10", "folder"] = "cifar10"
    pad: int = Field(4, ge=0)  # pixels around an image before the random crop
    cutout: int = Field(16, ge=0)  # side of the square in pixels; 0: none


class InpaintingDataSettings(ImageSettings):
    """Images to be restored."""

    name: Literal["photos", "fashion-mnist", "svhn", "celeba", "cars", "folder"] = "celeba"
    image_size: int = Field(64, ge=16)  # pixels; the window of SSIM needs 11
    crops: int | None = Field(None, ge=1)  # random ones of each training image of photos or folder
    test_images: int | None = Field(None, ge=1)  # use this many, drawn at random; None: all


class TrainingSettings(Settings):
    """What every training of weights needs; its length is set by epochs or by steps."""

    smallest_part: ClassVar[int] = 1  # examples that are run at a time

    epochs: int | None = Field(None, ge=1)  # the learning rate falls after every epoch
    steps: int | None = Field(None, ge=1)  # the learning rate falls after every step
    weights: Literal["sgd", "adamw"] = "sgd"  # their optimizer; adamw wants a rate of about 0.003
    learning_rate: float = Field(0.025, gt=0)  # of the weights; to 0 by cosine
    momentum: float = Field(0.9, ge=0, lt=1)  # of sgd
    weight_decay: float = Field(3e-4, ge=0)
    clip: float = Field(5.0, gt=0)  # largest norm of the gradient
    accumulate: int = Field(1, ge=1)  # equal parts of a batch, one after the other in less memory

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"found epochs = {self.epochs} and steps = {self.steps}, expected one of both; set "
                "the other to null"
            )
        return self


class SearchSettings(TrainingSettings):
    """Settings of a search. An epoch is one pass over D_W, the half that trains the weights.

    `epochs` or `steps` set what a search costs: as much as so many steps of the paper's search, in
    each of which `samples` architectures are trained (a training pass each) and scored (a third of
    one each, as there is no backward pass). What the warm-up saves buys steps; further samples and
    finalists are paid from them; see `pdas.searches.plan`.
    """

    epochs: int | None = Field(200, ge=1)
    batch_size: int = Field(64, ge=1)
    samples: int = Field(2, ge=2)  # lambda, the architectures that a step trains
    warmup: float = Field(0.0, ge=0)  # theta stands still at first: < 1 a share, >= 1 steps
    theta_samples: int | None = Field(None, ge=2)  # that theta learns from in a step; None: samples
    theta_rate: Literal["adaptive", "fixed"] = "adaptive"  # eta by (13), or 1/n
    eta_scale: float = Field(1.0, gt=0, le=1)  # of eta_max (13), which adaptive eta begins at
    theta_mode: Literal["train", "eval"] = "train"  # of the network for theta; eval: no dropout
    resample: bool = False  # draw new architectures for the update of theta
    mask_inactive: bool = True  # a choice that an architecture does not use learns nothing from it
    finalists: int = Field(0, ge=0)  # compared on D_theta at the end; 0: the mode is found
    finalists_share: float = Field(0.0, ge=0, lt=1)  # of the cost, to train them
    finalists_epochs: int | None = Field(None, ge=1)  # most of one; the rest trains more

    @model_validator(mode="after")
    def _warmup_is_a_share_or_a_number(self) -> Self:
        if self.warmup >= 1 and self.warmup != int(self.warmup):
            raise ValueError(
                f"found warmup = {self.warmup}, expected a share below 1 or a whole number of "
                "steps; set it to 0.4 or 100"
            )
        return self

    @model_validator(mode="after")
    def _theta_samples_have_the_trained_ones(self) -> Self:
        if self.theta_samples is not None and self.theta_samples < self.samples:
            raise ValueError(
                f"found theta_samples = {self.theta_samples} and samples = {self.samples}, "
                "expected at least as many, since theta learns from those that are trained as "
                "well; raise theta_samples"
            )
        return self

    @model_validator(mode="after")
    def _epochs_are_for_trained_finalists(self) -> Self:
        if self.finalists_epochs is not None and not self.finalists_share:
            raise ValueError(
                f"found finalists_epochs = {self.finalists_epochs}, while finalists_share = 0 "
                "trains no finalists, expected none; set finalists_epochs to null"
            )
        return self

    @model_validator(mode="after")
    def _a_share_is_for_finalists(self) -> Self:
        if self.finalists_share > 0 and self.finalists < 2:
            raise ValueError(
                f"found finalists_share = {self.finalists_share} and finalists = {self.finalists}, "
                "expected at least 2 finalists to be trained; raise finalists or set the share to 0"
            )
        return self


class ClassificationSearchSettings(SearchSettings):
    """A search of cells, or a control in its place."""

    mask_inactive: bool = False  # as in the paper
    method: Literal["pdas", "random"] = "pdas"  # random: an architecture drawn uniformly


class RetrainSettings(TrainingSettings):
    """The training of the found architecture, from fresh weights on the whole training set."""

    smallest_part: ClassVar[int] = 2  # the auxiliary classifier normalises maps of one pixel

    epochs: int | None = Field(600, ge=1)
    batch_size: int = Field(80, ge=2)
    cells_per_stage: int = Field(6, ge=1)  # N
    weight_limit: int = Field(3_000_000, ge=1)  # the width C is the largest under this limit
    drop_path: float = Field(0.3, ge=0, lt=1)  # at the end, rising linearly from 0
    auxiliary_weight: float = Field(0.4, ge=0)  # 0: no auxiliary classifier


class InpaintingSearchSettings(SearchSettings):
    """A search of auto-encoders, or a control in its place."""

    method: Literal["pdas", "random", "base"] = "pdas"  # base: the paper's BASE
    like: str | None = None  # for base: the architecture.json that has its depth
    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(50_000, ge=1)
    batch_size: int = Field(16, ge=1)
    weight_decay: float = Field(0.0, ge=0)
    mask_inactive: bool = False  # as in the paper

    @model_validator(mode="after")
    def _like_for_base(self) -> Self:
        if (self.method == "base") != (self.like is not None):
            raise ValueError(
                f"found method = {self.method} and like = {self.like}, expected an architecture "
                "for the method base and no other; add search.like=RUN/architecture.json, or null"
            )
        return self


class InpaintingRetrainSettings(TrainingSettings):
    """The training of the found auto-encoder, from fresh weights on the whole training set."""

    steps: int | None = Field(500_000, ge=1)
    batch_size: int = Field(16, ge=1)
    weight_decay: float = Field(0.0, ge=0)


class DeviceSettings(Settings):
    """Where and how precisely it is computed; see Lightning Fabric."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"  # 16: not on CPUs
    devices: int = Field(1, ge=1)  # of each machine; every one has a process of its own
    machines: int = Field(1, ge=1)  # several need torchrun or SLURM
    strategy: Literal["auto", "ddp"] = "auto"  # of several devices; auto is ddp
    deterministic: bool = False  # the same twice on GPUs too, if slower, as CPUs compute anyway

    @property
    def ranks(self) -> int:
        """Processes of a training."""
        return self.devices * self.machines


def _as_directory(name: str) -> str:
    """A name that is fit to be part of that of a directory."""
    fits = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if not (fits and name and name.strip(". ") == name):
        raise ValueError("expected one that can be that of a directory, as my-recipe")
    return name


Name: TypeAlias = Annotated[str, Field(max_length=100), AfterValidator(_as_directory)]


class ClassificationRecipe(Settings):
    """One experiment of image classification, complete."""

    name: Name
    description: str = ""
    task: Literal["classification"] = "classification"
    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    search: ClassificationSearchSettings = ClassificationSearchSettings()
    retrain: RetrainSettings = RetrainSettings()
    device: DeviceSettings = DeviceSettings()


class InpaintingRecipe(Settings):
    """One experiment of inpainting, complete."""

    name: Name
    description: str = ""
    task: Literal["inpainting"]
    mask: str = "center"  # center, pixel, half, or MODULE:FUNCTION
    data: InpaintingDataSettings = InpaintingDataSettings()
    network: ChainSettings = ChainSettings()
    search: InpaintingSearchSettings = InpaintingSearchSettings()
    retrain: InpaintingRetrainSettings = InpaintingRetrainSettings()
    device: DeviceSettings = DeviceSettings()


Recipe: TypeAlias = ClassificationRecipe | InpaintingRecipe

TASKS: dict[str, type[ClassificationRecipe] | type[InpaintingRecipe]] = {
    "classification": ClassificationRecipe,
    "inpainting": InpaintingRecipe,
}


FREE = ("search.accumulate", "retrain.accumulate")  # they change nothing but rounding


def check_same(found: Recipe, expected: Recipe, where: str) -> None:
    """Raise `SettingError` for the first setting that is not as it was when `where` was begun.

    All but those that are `FREE`.
    """
    new, old = (flat(each.model_dump(mode="json")) for each in (found, expected))
    for name in {**old, **new}:
        if name not in FREE and new.get(name) != old.get(name):
            raise SettingError(
                f"{name}: found {new.get(name)!r}, expected {old.get(name)!r} as in {where}; give "
                "it as it was, or begin another run"
            )


def as_recipe(values: Mapping[str, Any]) -> Recipe:
    """The recipe of these values; raises `SettingError` for the first that does not fit."""
    task = values.get("task", "classification")
    if not isinstance(task, str) or task not in TASKS:
        raise SettingError(f"task: found {task!r}, expected one of {', '.join(TASKS)}")
    return validated(TASKS[task], values)
