"""Settings of `pdas.retrain`."""

from __future__ import annotations

from pydantic import Field

from pdas.training.components import OptimizerSettings
from pdas.training.optimizers.adamw import AdamW
from pdas.training.settings import LARGEST_BATCH, TrainingSettings


class NetworkTrainingSettings(TrainingSettings):
    """Settings of the training of a network of one's own.

    They have the names of those of a search, and its defaults.

    Example:
        pdas.retrain(network, loss, train, validation, epochs=100, patience=10, optimizer="sgd")
    """

    epochs: int | None = Field(200, ge=1)
    optimizer: OptimizerSettings = AdamW()
    batch_size: int = Field(64, ge=1, le=LARGEST_BATCH)
    patience: int | None = Field(None, ge=1)  # epochs without a smaller validation loss; then stop
