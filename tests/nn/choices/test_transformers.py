"""Depth and sublayers of public transformers in one line each, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Linear, OptionalLayer, Repeat, Supernet, Value, optional

transformers = pytest.importorskip("transformers")

SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.3,
}
IDS = torch.arange(14).view(2, 7) * 3 + 1
INPUTS = {"input_ids": IDS, "attention_mask": (IDS < 35).long()}


def llama() -> nn.Module:
    module: nn.Module = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))
    return module


def qwen2() -> nn.Module:
    config = transformers.Qwen2Config(**SIZES, num_key_value_heads=1)
    module: nn.Module = transformers.Qwen2ForCausalLM(config)
    return module


def bert() -> nn.Module:
    module: nn.Module = transformers.BertForMaskedLM(transformers.BertConfig(**SIZES))
    return module


def gpt2() -> nn.Module:
    names = {"n_embd": 16, "n_layer": 4, "n_head": 2, "bos_token_id": 1, "eos_token_id": 2}
    config = transformers.GPT2Config(vocab_size=50, initializer_range=0.3, **names)
    module: nn.Module = transformers.GPT2LMHeadModel(config)
    return module


MODELS = {
    "llama": (llama, "model.layers", ("self_attn", "mlp")),
    "qwen2": (qwen2, "model.layers", ("self_attn", "mlp")),
    "bert": (bert, "bert.encoder.layer", ("attention",)),
    "gpt2": (gpt2, "transformer.h", ("attn", "mlp")),
}

Change = Callable[[Any, tuple[str, ...]], Any]


def first(layers: Any, parts: tuple[str, ...]) -> Any:
    return Repeat("depth", layers, counts=[1, 3, 4])


def spread(layers: Any, parts: tuple[str, ...]) -> Any:
    return Repeat("depth", layers, counts=[2, 3, 4], keep="spread")


def each(layers: Any, parts: tuple[str, ...]) -> Any:
    return optional(layers)


def sublayers(layers: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        otherwise = "input" if part == "attention" else "zeros"  # which BERT adds inside
        for i, layer in enumerate(layers):
            choice = OptionalLayer(f"{part}{i}", getattr(layer, part), otherwise)  # type: ignore[arg-type]
            setattr(layer, part, choice)
    return layers


def network(name: str, change: Change) -> tuple[nn.Module, Supernet]:
    """The plain model, and one with choices that has its weights."""
    make, path, parts = MODELS[name]
    torch.manual_seed(0)
    plain, module = make().eval(), make().eval()
    owner, _, last = path.rpartition(".")
    around = module.get_submodule(owner)
    setattr(around, last, change(getattr(around, last), parts))
    module.load_state_dict(plain.state_dict())
    assert [*module.state_dict()] == [*plain.state_dict()]
    return plain, Supernet(module)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("change", [first, spread, each, sublayers])
def test_the_found_network_computes_what_the_supernet_does(name: str, change: Change) -> None:
    plain, net = network(name, change)
    rng = np.random.default_rng(0)
    count = int(net.space.sizes.max())
    few = [net.space.architecture([i]) for i in range(count)] if len(net.space) == 1 else []
    net(**INPUTS, architecture=net.space.uniform(rng))
    for architecture in few or [net.space.uniform(rng) for _ in range(4)]:
        with torch.no_grad():
            found = net(**INPUTS, architecture=architecture).logits
            derived = net.derive(architecture, keep_weights=True)(**INPUTS).logits
        assert torch.equal(found, derived)
    whole = net.space.architecture([0 if c[0] is True else len(c) - 1 for c in net.space.values()])
    with torch.no_grad():
        found = net(**INPUTS, architecture=whole).logits
        assert torch.equal(found, plain(**INPUTS).logits)


@pytest.mark.parametrize("name", ["llama", "bert", "gpt2"])
@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.filterwarnings("ignore:`gradient_checkpointing_enable` is deprecated")
def test_gradient_checkpoints_change_nothing(name: str, reentrant: bool) -> None:
    def gradients(checkpoints: bool) -> list[Tensor | None]:
        net = network(name, with_widths)[1].train()
        if checkpoints:
            net.module.gradient_checkpointing_enable(  # type: ignore[operator]
                gradient_checkpointing_kwargs={"use_reentrant": reentrant}
            )
        rng = np.random.default_rng(0)
        losses = [
            net(
                input_ids=IDS, labels=IDS, use_cache=False, architecture=net.space.uniform(rng)
            ).loss
            for _ in range(3)
        ]
        torch.stack(losses).sum().backward()
        return [weight.grad for weight in net.parameters()]

    for found, expected in zip(gradients(True), gradients(False), strict=True):
        assert found is expected is None or torch.equal(found, expected)


def with_widths(layers: Any, parts: tuple[str, ...]) -> Any:
    """Widths, sublayers and layers together."""
    for i, layer in enumerate(layers):
        width = Value(f"width{i}", [8, 32])
        if parts == ("attention",):
            layer.intermediate.dense = Linear.of(layer.intermediate.dense, out_features=width)
            layer.output.dense = Linear.of(layer.output.dense, in_features=width)
        elif parts[0] == "self_attn":
            for name in ("gate_proj", "up_proj"):
                setattr(layer.mlp, name, Linear.of(getattr(layer.mlp, name), out_features=width))
            layer.mlp.down_proj = Linear.of(layer.mlp.down_proj, in_features=width)
    return optional(sublayers(layers, parts))
