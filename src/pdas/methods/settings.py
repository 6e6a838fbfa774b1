"""Settings of a search; the defaults are the paper's."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from pdas.methods.components import METHODS, ExternalMethod, MethodSettings
from pdas.methods.pdas.method import PdasSettings
from pdas.support.components import component
from pdas.training.settings import LARGEST_BATCH, TrainingSettings

MOST = 10_000  # architectures at a time


class SearchSettings(TrainingSettings):
    """Settings of a search. An epoch is one pass over D_W, the half that trains the weights.

    `epochs` or `steps` set the cost of a search in steps of the paper's search. Each of these
    trains `samples` architectures (one training pass each) and scores them (a third of a pass each,
    since there is no backward pass). A warm-up costs less, so there are more steps. Further samples
    and finalists cost more, so there are fewer steps. See `pdas.methods.planning.search_plan`.

    Example:
        settings = pdas.SearchSettings(epochs=60, method={"name": "pdas", "eta_scale": 0.1})
        pdas.search(net, loss, data, settings=settings)
    """

    method: MethodSettings = PdasSettings()  # may have other defaults of what follows
    epochs: int | None = Field(200, ge=1)
    batch_size: int = Field(64, ge=1, le=LARGEST_BATCH)  # examples
    samples: int = Field(2, ge=1, le=MOST)  # lambda, the architectures that a step trains
    warmup: float = Field(0.0, ge=0)  # steps before theta learns; below 1 a share of all steps
    theta_samples: int | None = Field(None, ge=1, le=MOST)  # that theta learns from; null: samples
    theta_mode: Literal["train", "eval"] = "train"  # of the network for theta; eval: no dropout
    train_weights: bool = True  # false: only theta is searched, without a backward pass
    resample: bool = False  # draw new architectures for the update of theta
    mask_inactive: bool = True  # a variable learns from architectures that use it
    finalists: int = Field(0, ge=0, le=MOST)  # compared on D_theta at the end; 0: only the mode
    finalists_share: float = Field(0.0, ge=0, lt=1)  # of the cost, to train them apart
    finalists_epochs: int | None = Field(None, ge=1)  # at most, of each; the rest trains more
    patience: int | None = Field(None, ge=1)  # epochs without a smaller loss of D_theta; then stop
    stop_when_decided: float | None = Field(None, gt=0, le=1)  # as 0.95 of theta; then stop

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_method(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        return {**method_kind(values.get("method")).search, **values}

    @model_validator(mode="after")
    def _the_method_uses_them(self) -> Self:
        for name in sorted(self.method.unused):
            field = type(self).model_fields.get(name)  # None of one that only recipes have
            if field is None:
                continue
            default = self.method.search.get(name, field.get_default(call_default_factory=True))
            found = getattr(self, name)
            if found != default:
                raise ValueError(
                    f"found {name} = {json.dumps(found)}, which means nothing to "
                    f"{self.method.name}, expected {json.dumps(default)}; leave it out"
                )
        return self

    @field_validator("method", mode="before")
    @classmethod
    def _named_method(cls, value: object) -> MethodSettings:
        name = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(name, str) and ":" in name:  # its code is imported when the search begins
            values = value if isinstance(value, Mapping) else {"name": name}
            return ExternalMethod.model_validate(values)
        default: MethodSettings = cls.model_fields["method"].default
        return component(value, METHODS.__getitem__, default)

    @model_validator(mode="after")
    def _warmup_is_a_share_or_a_number(self) -> Self:
        if self.warmup >= 1 and self.warmup != int(self.warmup):
            raise ValueError(
                f"found warmup = {self.warmup}, expected a share below 1 or a whole number of "
                "steps; set it to 0.4 or 100"
            )
        return self

    @model_validator(mode="after")
    def _a_warmup_is_for_weights_that_train(self) -> Self:
        if self.warmup and not self.train_weights:
            raise ValueError(
                f"found warmup = {self.warmup:g} and train_weights = false, expected no warm-up "
                "where no weights are trained; set warmup to 0"
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


def method_kind(method: object) -> type[MethodSettings]:
    """The class of a method's settings.

    Args:
        method: the value of `search.method`: settings, a mapping, or a name. What names no method
            of the registry has the class of methods from elsewhere.
    """
    if isinstance(method, MethodSettings):
        return type(method)
    default = PdasSettings().name
    name = method.get("name", default) if isinstance(method, Mapping) else method or default
    if name == default:  # without a look at all the others
        return PdasSettings
    return METHODS[name] if isinstance(name, str) and name in METHODS else ExternalMethod


def for_method(
    values: Mapping[str, Any], before: object, after: object, kept: Container[str] = ()
) -> dict[str, Any]:
    """Settings of a search without those that its former method or the next one sets or ignores.

    Args:
        values: of `SearchSettings`, by name.
        before, after: the two methods; see `method_kind`.
        kept: names of settings that stay in any case.
    """
    kinds = method_kind(before), method_kind(after)
    same = kinds[0] is kinds[1]
    own = set() if same else {*kinds[0].search, *kinds[1].search, *kinds[1].unused}
    return {name: value for name, value in values.items() if name not in own or name in kept}


def without_unused(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a search without those that mean nothing to its method.

    Args:
        values: of `SearchSettings`, by name.
    """
    unused = method_kind(values.get("method")).unused
    return {name: value for name, value in values.items() if name not in unused}
