"""The same by rules: `searchable` finds which layers must agree."""

from __future__ import annotations

from typing import Any

from pdas.nn import Supernet, searchable
from tests.strangers.networks.other_rows import noisy_images, unet
from tests.strangers.networks.row import images, row, tokens
from tests.strangers.networks.timm_rows import model as timm_model
from tests.strangers.networks.torch_rows import encoder, sequences
from tests.strangers.networks.torchvision_rows import model as torchvision_model
from tests.strangers.networks.torchvision_rows import small_convnext, small_densenet
from tests.strangers.networks.torchvision_transformer_rows import small_vit
from tests.strangers.networks.transformers_rows import BERT, GPT2, LLAMA, QWEN2, bert_inputs


@row(
    "resnet18",
    "by rules: blocks of each stage, and inner widths",
    package="torchvision",
    make=torchvision_model("resnet18"),
    inputs=images(),
    quick=True,
)
def resnet18_by_rules(model: Any, x: Any) -> Supernet:
    net = searchable(model, {"layer[1-4]": "depth", "layer*.conv1": [0.25, 0.5, 1.0]}, x)
    return net


@row(
    "mobilenet_v3_small",
    "by rules: expansions",
    package="torchvision",
    make=torchvision_model("mobilenet_v3_small"),
    inputs=images(),
)
def mobilenet_by_rules(model: Any, x: Any) -> Supernet:
    rules = {"features.[2-9].block.0.0": [0.5, 1.0], "features.1[01].block.0.0": [0.5, 1.0]}
    net = searchable(model, rules, x)
    return net


@row(
    "ConvNeXt, small",
    "by rules: blocks of each stage, and hidden widths",
    package="torchvision",
    make=small_convnext,
    inputs=images(),
)
def convnext_by_rules(model: Any, x: Any) -> Supernet:
    net = searchable(model, {"features.[13]": "depth", "*.block.3": [0.25, 0.5, 1.0]}, x)
    return net


@row(
    "DenseNet, small",
    "by rules: growth of each layer",
    package="torchvision",
    make=small_densenet,
    inputs=images(),
)
def densenet_by_rules(model: Any, x: Any) -> Supernet:
    net = searchable(model, {"features.*.denselayer*.conv2": [0.5, 1.0]}, x)
    return net


@row(
    "VisionTransformer, small",
    "by rules: blocks, heads and hidden widths",
    package="torchvision",
    make=small_vit,
    inputs=images(),
)
def vit_by_rules(model: Any, x: Any) -> Supernet:
    rules = {
        "encoder.layers": "depth",
        "*.self_attention": [0.5, 1.0],
        "*.mlp.0": [0.25, 0.5, 1.0],
    }
    net = searchable(model, rules, x)
    return net


@row(
    "regnetx_002",
    "by rules: groups of each block",
    package="timm",
    make=timm_model("regnetx_002"),
    inputs=images(),
)
def regnet_by_rules(model: Any, x: Any) -> Supernet:
    net = searchable(model, {"s[1-4].*.conv2.conv": [0.5, 1.0]}, x)
    return net


@row(
    "UNet2DModel",
    "by rules: inner widths, and which attentions are used",
    package="diffusers",
    make=unet,
    inputs=noisy_images,
)
def unet_by_rules(model: Any, x: Any, step: Any) -> Supernet:
    rules = {"*.resnets.*.conv1": [0.5, 1.0], "*.attentions.*": "optional"}
    net = searchable(model, rules, x, step)
    return net


@row(
    "nn.TransformerEncoder",
    "by rules: layers, heads and inner widths",
    package="torch",
    make=encoder,
    inputs=sequences((2, 5, 16)),
    quick=True,
)
def encoder_by_rules(model: Any, x: Any) -> Supernet:
    rules = {"layers": "depth", "*.self_attn": [0.25, 0.5, 1.0], "*.linear1": [0.5, 1.0]}
    net = searchable(model, rules, x)
    return net


@row(
    "BERT",
    "by rules: layers, heads and inner widths",
    package="transformers",
    make=BERT,
    inputs=bert_inputs,
)
def bert_by_rules(model: Any, **batch: Any) -> Supernet:
    rules = {
        "bert.encoder.layer": "depth",
        "*.self.query": [0.5, 1.0],
        "*.intermediate.dense": [0.25, 0.5, 1.0],
    }
    net = searchable(model, rules, **batch)
    return net


@row(
    "Qwen2, with tied embeddings",
    "by rules: layers, and the width of everything",
    package="transformers",
    make=QWEN2,
    inputs=tokens(),
    quick=True,
)
def qwen2_by_rules(model: Any, **batch: Any) -> Supernet:
    rules = {"model.layers": "depth", "model.embed_tokens": [0.5, 1.0]}
    net = searchable(model, rules, **batch)
    return net


@row(
    "GPT-2",
    "by rules: layers, and inner widths",
    package="transformers",
    make=GPT2,
    inputs=tokens(),
    quick=True,
)
def gpt2_by_rules(model: Any, **batch: Any) -> Supernet:
    net = searchable(model, {"transformer.h": "depth", "*.mlp.c_fc": [0.25, 0.5, 1.0]}, **batch)
    return net


@row(
    "Llama",
    "by rules: layers, heads and inner widths",
    package="transformers",
    make=LLAMA,
    inputs=tokens(),
)
def llama_by_rules(model: Any, **batch: Any) -> Supernet:
    rules = {
        "model.layers": "depth",
        "*.self_attn.k_proj": [0.5, 1.0],
        "*.mlp.up_proj": [0.25, 0.5, 1.0],
    }
    net = searchable(model, rules, **batch)
    return net
