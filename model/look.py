"""What a model looks at, as one page that needs nothing from elsewhere: attention by layer and head, and what it
expects after each token, by temperature.

Attention weights stand in the page to 8 bits, their roots rounded: to within .004 of the weight, closer near 0. What is
expected is exact for every step of the temperature's slider: the likeliest tokens' logits stand there, and of the whole
vocabulary the logarithm of its sum at each temperature.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.attention import Attention, allowed
from model.generate import beginning
from model.gpt import GPT

TEMPERATURES = [round(0.05 * n, 2) for n in range(2, 41)]  # .1 to 2, the slider's steps
SHOWN = 20  # of the likeliest tokens
AT_MOST = 16 << 20  # bytes of attention in the page: GPT-2's 144 heads over 340 tokens


@torch.inference_mode()
def attention(model: GPT, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Weights (L, H, T, T) float32, of each query's row the keys; and the logits (T, V) float32. On the CPU. ValueError
    of an LSTM."""
    if model.architecture.trunk == "lstm":
        raise ValueError("an LSTM attends to nothing: there is nothing to look at")
    inputs: list[Tensor] = []
    layers = [part for part in model.modules() if isinstance(part, Attention)]
    hooks = [layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0])) for layer in layers]
    try:
        logits = model(torch.tensor([list(tokens)], device=model.tokens.weight.device))[0]
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack([_weights(layer, x[0]) for layer, x in zip(layers, inputs, strict=True)]), logits.float().cpu()


def _weights(layer: Attention, x: Tensor) -> Tensor:
    """Of one layer's input (T, C): (H, T, T), as softmax(q k / sqrt(D)) over the positions that are allowed."""
    T, C = x.shape
    q, k, _ = layer.qkv(x).view(T, 3, layer.heads, C // layer.heads).permute(1, 2, 0, 3)  # (H, T, D) each
    places = torch.arange(T, device=x.device)
    seen = allowed(places[:, None], places[None, :], layer.band)
    scores: Tensor = (q @ k.transpose(1, 2)) / math.sqrt(C // layer.heads)
    return scores.masked_fill(~seen, -math.inf).softmax(-1).float().cpu()


def content(model: GPT, tokens: Sequence[int], spelt: Callable[[int], str]) -> dict[str, Any]:
    """What the page shows of a text, its last `context` tokens. ValueError where the page would be too large."""
    read = beginning(model, tokens)
    a, T = model.architecture, len(read)
    if (size := a.layers * a.heads * T * T) > AT_MOST:
        most = math.isqrt(AT_MOST // (a.layers * a.heads))
        raise ValueError(
            f"{T} tokens in {a.layers} layers of {a.heads} heads are {size:,} weights: give at most {most} tokens"
        )
    weights, logits = attention(model, read)
    logits = logits.double()
    order = logits.sort(dim=-1, descending=True, stable=True).indices[:, :SHOWN]
    came = torch.tensor(read[1:], dtype=torch.int64)[:, None]  # (T - 1, 1)
    rank = (logits[:-1] > logits[:-1].gather(1, came)).sum(-1) + 1
    return {
        "layers": a.layers,
        "heads": a.heads,
        "left_out": len(tokens) - T if tokens else 0,
        "tokens": [spelt(token) for token in read],
        "attention": base64.b64encode((weights.sqrt() * 255).round().byte().numpy().tobytes()).decode(),
        "temperatures": TEMPERATURES,
        "sums": [[round(float(v), 6) for v in (logits / t).logsumexp(-1)] for t in TEMPERATURES],
        "expected": [
            [[spelt(int(id)), round(float(row[id]), 6)] for id in ids] for row, ids in zip(logits, order, strict=True)
        ],
        "came": [  # the next token: its logit and rank
            [round(float(row[token]), 6), int(r)]
            for row, token, r in zip(logits[:-1], read[1:], rank, strict=True)
        ],
    }  # fmt: skip


def page(name: str, shown: dict[str, Any]) -> str:
    """The page. Texts in it are hostile input: in the script's data no `<` stands, the page shows text as text, and the
    browser runs no script but the page's own, by its hash."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    data = json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")
    html = environment.get_template("look.html.j2").render(name=name, shown=shown, data=Markup(data))
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    return html.replace("{script}", f"'sha256-{digest}'", 1)
