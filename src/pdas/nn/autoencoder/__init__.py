"""The symmetric convolutional auto-encoder of the paper's inpainting (section 4.2)."""

from pdas.nn.autoencoder.network import AutoencoderNetwork
from pdas.nn.autoencoder.space import (
    AutoencoderSettings,
    ChainSettings,
    autoencoder_space,
    base_architecture,
    chain_text,
    count_layers,
)
from pdas.nn.autoencoder.supernet import AutoencoderSupernet

__all__ = [
    "AutoencoderNetwork",
    "AutoencoderSettings",
    "AutoencoderSupernet",
    "ChainSettings",
    "autoencoder_space",
    "base_architecture",
    "chain_text",
    "count_layers",
]
