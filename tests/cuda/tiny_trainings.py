"""Tiny recipes of every supernet and task."""

from __future__ import annotations

from pdas import recipes
from pdas.experiment.experiment import Experiment
from tests.conftest import TINY, TINY_INPAINTING

_LENGTHS = (
    "data.train_images=64",
    "search.epochs=null",
    "search.steps=8",
    "search.batch_size=8",
    "search.finalists=0",
    "search.finalists_share=0",
    "retrain.epochs=null",
    "retrain.steps=2",
    "retrain.batch_size=8",
)
_CELLS = (*TINY, *_LENGTHS)
_DENSE = (
    "network={space: densenets, blocks: 1, layers: 2, growths: [2, 4], stem: 4}",
    *_LENGTHS,
    "search.method=eas",
    "search.steps=16",
    "retrain.auxiliary_weight=0",
)

TRAININGS = {
    "cells": ("digits", _CELLS),
    "cells in a mixture": ("digits", (*_CELLS, "search.method=darts-1")),
    "cells of a hypernetwork": (
        "digits",
        (*_CELLS, "network.channels=8", "search.steps=20", "search.method=smash"),
    ),
    "auto-encoders, centre": ("inpaint-photos", (*TINY_INPAINTING, "mask=center")),
    "auto-encoders, pixels": ("inpaint-photos", (*TINY_INPAINTING, "mask=pixel")),
    "dense networks": ("digits", _DENSE),
}


def tiny(name: str, device: str, *changes: str) -> Experiment:
    recipe, settings = TRAININGS[name]
    chosen = (*settings, f"device.accelerator={device}", *changes)
    return Experiment(recipes.load(recipe, chosen))
