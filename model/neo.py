"""How GPT-Neo, transformers' model with banded layers, holds our attention exactly, though it lacks two of its parts.

GPT-Neo has no biases on query, key and value, and does not divide scores by sqrt(D). With x = g * n + b the LayerNorm
before the attention (n: mean 0), Wq, Wk, Wv and bq, bk, bv our weights:

    scale   into Wq: Wq / sqrt(D)
    bk      drops out: q . bk is the same for all keys, and softmax does not see it
    bv      attention's weights sum to 1, so it is a constant behind the sum: bo + Wo bv
    bq      sum_i n_i = 0, so u . x is 1 for every x, with u_i = 1 / (g_i c), c = sum_i b_i / g_i: Wq + bq u^T

For c to be far from 0 the LayerNorm's bias is first moved by d = g or -g, so that c moves by the width C away from 0;
moved too are then bq (to bq - Wq d) and bv (to bv - Wv d), and keys by a constant. All in float64, rounded once.

The band is the same: position t sees t - window + 1 ... t; layers alternate, "global" first, as ours.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.config import Architecture

MATRICES = tuple(f"attn.attention.{name}_proj.weight" for name in "qkv")
# u . x = 1 is a sum whose terms may be this many times its value: 1e3 times float32's 6e-8 is a relative error of 6e-5.
CANCELLATION = 1e3


def attention_of(block: Mapping[str, Tensor], a: Architecture, layer: int) -> dict[str, Tensor]:
    """GPT-Neo's ln_1 and attention of one of our blocks' tensors (named below the block). ValueError where a gain of
    the LayerNorm is so near 0 that float32 would not hold it."""
    g, b = block["norm1.weight"].double(), block["norm1.bias"].double()  # (C,)
    q, k, v = block["attention.qkv.weight"].double().chunk(3)  # (C, C) each
    bq, _, bv = block["attention.qkv.bias"].double().chunk(3)
    out, bo = block["attention.out.weight"].double(), block["attention.out.bias"].double()
    d = g if (b / g).sum() >= 0 else -g
    ratio = (b + d) / g
    if not (g != 0).all() or float(ratio.abs().sum()) > CANCELLATION * abs(float(ratio.sum())):
        raise ValueError(
            f"layer {layer}: a gain of the LayerNorm before its attention is 0, or so near 0 that GPT-Neo, which has "
            "no bias on queries, would hold the model only roughly: no class of transformers holds it exactly"
        )
    u = 1 / (g * ratio.sum())  # (C,)
    theirs = {
        "ln_1.bias": b + d,
        MATRICES[0]: (q + torch.outer(bq - q @ d, u)) / math.sqrt(a.width // a.heads),
        MATRICES[1]: k,
        MATRICES[2]: v,
        "attn.attention.out_proj.bias": bo + out @ (bv - v @ d),
    }
    return {name: tensor.float().contiguous() for name, tensor in theirs.items()}


def qkv_of(three: Mapping[str, Tensor], a: Architecture) -> dict[str, Tensor]:
    """Our query, key and value from GPT-Neo's three matrices, (C, C) each."""
    q, k, v = (three[name] for name in MATRICES)
    scaled = (q.double() * math.sqrt(a.width // a.heads)).float()
    return {"attention.qkv.weight": torch.cat([scaled, k, v]), "attention.qkv.bias": torch.zeros(3 * a.width)}


def band_of(config: Mapping[str, Any], place: Path) -> int | None:
    """The band that config.json's attention_types and window_size say. ValueError for another order of layers."""
    listed = config.get("attention_types", [[["global", "local"], config["num_layers"] // 2]])
    kinds = [kind for pattern, times in listed for _ in range(times) for kind in pattern]
    if all(kind == "global" for kind in kinds):
        return None
    if kinds != ["local" if n % 2 else "global" for n in range(config["num_layers"])]:
        raise ValueError(f"{place}: attention_types gives {kinds}; ours alternate: global, local, global, ...")
    return int(config.get("window_size", 256))
