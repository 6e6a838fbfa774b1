"""Models of Hugging Face's transformers, small, from their configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from pdas.nn import Conv1d, Embedding, Linear, OptionalLayer, Repeat, Value, with_widths
from tests.strangers.networks.row import Inputs, images, row, tokens

SMALL = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
}


def model(model: str, configuration: str, **settings: Any) -> Callable[[], nn.Module]:
    """The function that makes a model of a configuration."""

    def make() -> nn.Module:
        import transformers

        config = getattr(transformers, configuration)(**settings)
        made: nn.Module = getattr(transformers, model)(config)
        return made

    return make


BERT = model("BertForSequenceClassification", "BertConfig", **SMALL)
LLAMA = model("LlamaForCausalLM", "LlamaConfig", **SMALL, num_key_value_heads=2)
GPT2 = model("GPT2LMHeadModel", "GPT2Config", vocab_size=50, n_embd=32, n_layer=3, n_head=4)


def bert_inputs() -> Inputs:
    return Inputs(named={"input_ids": torch.randint(50, (2, 6))})


@row(
    "BERT",
    "layers, and heads and inner width of each",
    package="transformers",
    make=BERT,
    inputs=bert_inputs,
    quick=True,
)
def bert_depth_heads_and_inner(model: Any) -> None:
    layers = model.bert.encoder.layer
    for number, layer in enumerate(layers):
        w = Value(f"inner {number}", [16, 32, 64])
        layer.intermediate.dense = Linear.of(layer.intermediate.dense, out_features=w)
        layer.output.dense = Linear.of(layer.output.dense, in_features=w)
        attention, heads = layer.attention, Value(f"heads {number}", [1, 2, 4])
        size = attention.self.attention_head_size
        for name in ["query", "key", "value"]:
            projection = getattr(attention.self, name)
            setattr(attention.self, name, Linear.of(projection, out_features=size * heads))
        attention.output.dense = Linear.of(attention.output.dense, in_features=size * heads)
    model.bert.encoder.layer = Repeat("depth", layers)


@row(
    "Llama",
    "layers, and inner width and heads of each: two heads of queries for each of keys and values",
    package="transformers",
    make=LLAMA,
    inputs=tokens(),
    quick=True,
)
def llama_depth_heads_and_inner(model: Any) -> None:
    for number, layer in enumerate(model.model.layers):
        w = Value(f"inner {number}", [16, 32, 64])
        layer.mlp.gate_proj = Linear.of(layer.mlp.gate_proj, out_features=w)
        layer.mlp.up_proj = Linear.of(layer.mlp.up_proj, out_features=w)
        layer.mlp.down_proj = Linear.of(layer.mlp.down_proj, in_features=w)
        heads, size = Value(f"heads {number}", [1, 2]), layer.self_attn.head_dim
        attention = layer.self_attn
        attention.q_proj = Linear.of(attention.q_proj, out_features=2 * size * heads)
        attention.k_proj = Linear.of(attention.k_proj, out_features=size * heads)
        attention.v_proj = Linear.of(attention.v_proj, out_features=size * heads)
        attention.o_proj = Linear.of(attention.o_proj, in_features=2 * size * heads)
    model.model.layers = Repeat("depth", model.model.layers)


TIED = {"num_key_value_heads": 2, "tie_word_embeddings": True}
QWEN2 = model("Qwen2ForCausalLM", "Qwen2Config", **SMALL, **TIED)


@row(
    "Qwen2, with tied embeddings",
    "layers, and the width of everything",
    package="transformers",
    make=QWEN2,
    inputs=tokens(),
)
def qwen2_depth_and_hidden(model: Any) -> None:
    w, body = Value("hidden", [16, 32]), model.model
    body.embed_tokens = Embedding.of(body.embed_tokens, embedding_dim=w)
    model.lm_head = Linear.of(model.lm_head, in_features=w)
    model.lm_head.weight = body.embed_tokens.weight
    body.norm = with_widths(body.norm, {"weight": [w]})
    for layer in body.layers:
        for name in ["input_layernorm", "post_attention_layernorm"]:
            setattr(layer, name, with_widths(getattr(layer, name), {"weight": [w]}))
        attention, mlp = layer.self_attn, layer.mlp
        for name in ["q_proj", "k_proj", "v_proj"]:
            setattr(attention, name, Linear.of(getattr(attention, name), in_features=w))
        attention.o_proj = Linear.of(attention.o_proj, out_features=w)
        mlp.gate_proj = Linear.of(mlp.gate_proj, in_features=w)
        mlp.up_proj = Linear.of(mlp.up_proj, in_features=w)
        mlp.down_proj = Linear.of(mlp.down_proj, out_features=w)
    body.layers = Repeat("depth", body.layers, [1, 3])


@row(
    "GPT-2",
    "layers, and inner width of each",
    package="transformers",
    make=GPT2,
    inputs=tokens(),
)
def gpt2_depth_and_inner(model: Any) -> None:
    for number, block in enumerate(model.transformer.h):
        w = Value(f"inner {number}", [32, 64, 128])
        c = block.mlp.c_fc.nx
        block.mlp.c_fc = with_widths(block.mlp.c_fc, {"weight": [c, w], "bias": [w]}, {"nf": w})
        block.mlp.c_proj = with_widths(block.mlp.c_proj, {"weight": [w, c]}, {"nx": w})
    model.transformer.h = Repeat("depth", model.transformer.h)


MISTRAL = model("MistralForCausalLM", "MistralConfig", **SMALL, num_key_value_heads=2)


@row(
    "Mistral",
    "which attentions and which inner layers are used",
    package="transformers",
    make=MISTRAL,
    inputs=tokens(),
    quick=True,
)
def mistral_sublayers(model: Any) -> None:
    for i, layer in enumerate(model.model.layers):
        layer.self_attn = OptionalLayer(f"attention {i}", layer.self_attn, otherwise="zeros")
        layer.mlp = OptionalLayer(f"inner {i}", layer.mlp, otherwise="zeros")


@row(
    "Mistral",
    "layers, of which those that are spread over the depth are kept",
    package="transformers",
    make=MISTRAL,
    inputs=tokens(),
)
def mistral_spread(model: Any) -> None:
    model.model.layers = Repeat("depth", model.model.layers, [1, 2, 3], keep="spread")


T5 = {"vocab_size": 50, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}


@row(
    "T5",
    "inner widths of encoder and decoder",
    package="transformers",
    make=model("T5ForConditionalGeneration", "T5Config", **T5),
    inputs=lambda: Inputs(
        named={
            "input_ids": torch.randint(50, (2, 6)),
            "decoder_input_ids": torch.randint(50, (2, 5)),
            "use_cache": False,
        }
    ),
)
def t5_inner(model: Any) -> None:
    for name in ["encoder", "decoder"]:
        for number, block in enumerate(getattr(model, name).block):
            dense = block.layer[-1].DenseReluDense
            w = Value(f"{name} {number}", [16, 32, 64])
            dense.wi = Linear.of(dense.wi, out_features=w)
            dense.wo = Linear.of(dense.wo, in_features=w)


VIT = {key: SMALL[key] for key in SMALL if key not in ("vocab_size", "max_position_embeddings")}


@row(
    "ViT",
    "layers, and inner width of each",
    package="transformers",
    make=model("ViTForImageClassification", "ViTConfig", **VIT, image_size=32, patch_size=8),
    inputs=images(),
)
def hf_vit_depth_and_inner(model: Any) -> None:
    for number, layer in enumerate(model.vit.layers):
        w = Value(f"inner {number}", [16, 32, 64])
        layer.mlp.fc1 = Linear.of(layer.mlp.fc1, out_features=w)
        layer.mlp.fc2 = Linear.of(layer.mlp.fc2, in_features=w)
    model.vit.layers = Repeat("depth", model.vit.layers)


WHISPER = {
    "vocab_size": 50,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "num_mel_bins": 8,
    "max_source_positions": 10,
    "max_target_positions": 10,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "decoder_start_token_id": 1,
}


@row(
    "Whisper",
    "layers of encoder and decoder, their inner widths, and that of the first convolution",
    package="transformers",
    make=model("WhisperForConditionalGeneration", "WhisperConfig", **WHISPER),
    inputs=lambda: Inputs(
        named={
            "input_features": torch.randn(2, 8, 20),
            "decoder_input_ids": torch.randint(50, (2, 5)),
            "use_cache": False,
        }
    ),
)
def whisper_widths(model: Any) -> None:
    encoder = model.model.encoder
    w = Value("convolution", [8, 32])
    encoder.conv1 = Conv1d.of(encoder.conv1, out_channels=w)
    encoder.conv2 = Conv1d.of(encoder.conv2, in_channels=w)
    for name in ["encoder", "decoder"]:
        part = getattr(model.model, name)
        for number, layer in enumerate(part.layers):
            w = Value(f"{name} {number}", [16, 32, 64])
            layer.fc1 = Linear.of(layer.fc1, out_features=w)
            layer.fc2 = Linear.of(layer.fc2, in_features=w)
        part.layers = Repeat(f"{name} depth", part.layers)
