"""The symmetric convolutional auto-encoder of the paper's inpainting (section 4.2)."""

from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.space import (
    AutoencoderSettings,
    ChainSettings,
    autoencoder_space,
    base_architecture,
    chain_text,
    count_layers,
)
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet

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
