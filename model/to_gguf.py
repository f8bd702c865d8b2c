"""A model as a GGUF file, as llama.cpp reads it: its `gpt2` architecture, float32, byte-level BPE tokenizer within.

llama.cpp has pre-norm dense models with learned positions (gpt2) and no other that is ours: a post-norm or banded model
is refused, and so is a tokenizer of another kind. Its matrices are (out, in), as ours; a head that is absent is the
embedding. Tensor names and keys are those of the `gguf` package (ggml-org/llama.cpp, docs: ggml/docs/gguf.md).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.gpt import GPT
from model.hf import EPSILON, GPT2, class_of

OUTSIDE = {"tokens": "token_embd", "positions": "position_embd", "norm": "output_norm"}
INSIDE = {"norm1": "attn_norm", "attention.qkv": "attn_qkv", "attention.out": "attn_output",
          "norm2": "ffn_norm", "mlp.up": "ffn_up", "mlp.down": "ffn_down"}  # fmt: skip
# GPT-2's pattern, where a tokenizer.json spells it out; ByteLevel with use_regex has it built in.
PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def write(model: GPT, path: Path, tokenizer: bytes, end_of_text: int, title: str, description: str) -> None:
    """The model at `path`. ValueError where llama.cpp has no such architecture or tokenizer, or gguf is not there."""
    a = model.architecture
    reason = ""
    try:
        if class_of(a) != GPT2:
            reason = "it is post-norm" if a.norm == "post" else "every second layer is banded"
    except ValueError as error:
        reason = str(error)
    if reason:
        raise ValueError(f"llama.cpp's gpt2 is pre-norm and dense, and the model is not ({reason}): export it --to hf")
    vocabulary, merges = spelt(tokenizer)
    if len(vocabulary) > a.vocabulary:
        raise ValueError(f"the tokenizer has {len(vocabulary)} tokens, the model {a.vocabulary}")
    try:
        import gguf
    except ImportError:
        raise ValueError("a GGUF file needs the package gguf: pip install 'millrace[gguf]'") from None
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_name(title)
    writer.add_description(description)
    writer.add_context_length(a.context)
    writer.add_embedding_length(a.width)
    writer.add_feed_forward_length(4 * a.width)
    writer.add_block_count(a.layers)
    writer.add_head_count(a.heads)
    writer.add_layer_norm_eps(EPSILON)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")  # byte-level BPE
    writer.add_tokenizer_pre("gpt-2")  # the pattern
    unused = [f"<|unused{n}|>" for n in range(len(vocabulary), a.vocabulary)]  # rows of the embedding without a token
    writer.add_token_list([*vocabulary, *unused])
    kinds = [gguf.TokenType.NORMAL] * len(vocabulary) + [gguf.TokenType.UNUSED] * len(unused)
    kinds[end_of_text] = gguf.TokenType.CONTROL
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(end_of_text)
    writer.add_eos_token_id(end_of_text)
    writer.add_add_bos_token(False)
    for name, tensor in tensors_of(model).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors_of(model: GPT) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """The weights by GGUF's names, float32."""
    tensors = {}
    for key, parameter in model.named_parameters():
        part, _, kind = key.rpartition(".")
        if part.startswith("blocks."):
            _, layer, inner = part.split(".", 2)
            part = f"blk.{layer}.{INSIDE[inner]}"
        else:
            part = OUTSIDE[part]
        tensors[f"{part}.{kind}"] = parameter.detach().to("cpu", torch.float32).contiguous().numpy()
    return tensors


def spelt(tokenizer: bytes) -> tuple[list[str], list[str]]:
    """The tokens by id and the merges of a tokenizer.json. ValueError where it is not BPE of GPT-2's kind."""
    about = json.loads(tokenizer)
    if about["model"]["type"] != "BPE" or not _splits_as_gpt2(about.get("pre_tokenizer")) or about.get("normalizer"):
        raise ValueError("llama.cpp reads GPT-2's byte-level BPE, and the tokenizer is another: export it --to hf")
    ids = {**about["model"]["vocab"], **{token["content"]: token["id"] for token in about.get("added_tokens", [])}}
    if sorted(ids.values()) != list(range(len(ids))):
        raise ValueError("the tokenizer's ids have gaps, which a GGUF file cannot hold: export it --to hf")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in about["model"]["merges"]]
    return sorted(ids, key=ids.__getitem__), merges


def _splits_as_gpt2(splitter: dict[str, Any] | None) -> bool:
    """Whether a pre_tokenizer is GPT-2's pattern and then bytes, with no space put before the text."""
    steps = splitter.get("pretokenizers", []) if splitter and splitter["type"] == "Sequence" else [splitter or {}]
    if steps[-1].get("type") != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return False
    if len(steps) == 1:
        return bool(steps[0].get("use_regex", True))
    before = steps[0]
    return (
        len(steps) == 2
        and before.get("type") == "Split"
        and before["pattern"] == {"Regex": PATTERN}
        and (before["behavior"], before["invert"]) == ("Isolated", False)
        and not steps[-1].get("use_regex", True)
    )
