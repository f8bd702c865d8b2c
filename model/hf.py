"""Models of transformers: ours written as a folder that it loads, and such a folder read as a model of ours.

    GPT2LMHeadModel         pre-norm with a final LayerNorm, all layers dense            GPT-2
    OpenAIGPTLMHeadModel    post-norm without one, all layers dense                      GPT-1
    GPTNeoForCausalLM       pre-norm with a final LayerNorm, every second layer banded   GPT-3 (neo.py says how)

No other architecture is held by a class of transformers: `class_of` refuses it. GELU in its tanh form ("gelu_new"; what
OpenAIGPT calls "gelu" is that too), LayerNorm's epsilon of 1e-5 and the tied head are the same there. Its GPT-2 and
OpenAIGPT keep a matrix as (in, out), where torch's Linear, and ours, have (out, in).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from model import neo
from model.config import Architecture
from model.gpt import GPT
from model.weights import tensors_in

GPT1, GPT2, NEO = "OpenAIGPTLMHeadModel", "GPT2LMHeadModel", "GPTNeoForCausalLM"
TYPES = {GPT1: "openai-gpt", GPT2: "gpt2", NEO: "gpt_neo"}  # config.json's model_type
WEIGHTS, INDEX, CONFIG, TOKENIZER = "model.safetensors", "model.safetensors.index.json", "config.json", "tokenizer.json"
EPSILON = 1e-5  # LayerNorm's, ours and theirs
# Ours and theirs, of a whole model and of block n; without `.weight` and `.bias`.
OUTSIDE = {
    GPT1: {"tokens": "tokens_embed", "positions": "positions_embed"},
    GPT2: {"tokens": "wte", "positions": "wpe", "norm": "ln_f"},
    NEO: {"tokens": "wte", "positions": "wpe", "norm": "ln_f"},
}
INSIDE = {"norm1": "ln_1", "norm2": "ln_2", "mlp.up": "mlp.c_fc", "mlp.down": "mlp.c_proj",
          "attention.qkv": "attn.c_attn", "attention.out": "attn.c_proj"}  # fmt: skip
INSIDE_NEO = {**INSIDE, "attention.out": "attn.attention.out_proj"}  # query, key, value: three matrices, neo.py's
# Of checkpoints by older versions: causal masks, and the tied head a second time.
BUFFERS = re.compile(r"(h\.\d+\.attn\.(attention\.)?(bias|masked_bias))|lm_head\.weight")


def class_of(a: Architecture) -> str:
    """The class of transformers that computes the same function. ValueError where there is none, with the reason."""
    if a.trunk == "lstm":
        raise ValueError("no class of transformers holds our LSTM")
    banded = a.band is not None and a.band < a.context and a.layers > 1
    if a.norm == "pre" and a.final_norm:
        return NEO if banded else GPT2
    if a.norm == "post" and not a.final_norm and not banded:
        return GPT1
    what = "banded layers under norm: post" if banded else f"norm: {a.norm} with final_norm: {a.final_norm}".lower()
    raise ValueError(
        f"no class of transformers holds {what}: there are GPT-2 (pre-norm, a LayerNorm at the end), GPT-Neo (the "
        "same, every second layer banded) and OpenAI-GPT (post-norm, none at the end, dense)"
    )


# ---- out


def write(model: GPT, out: Path, tokenizer: bytes, end_of_text: int, card: str) -> str:
    """A folder for `from_pretrained`: config, weights (float32), tokenizer, generation config, README.md (`card`).

    Returns the name of the class that loads it. ValueError where none holds the model.
    """
    name = class_of(model.architecture)
    weights = tensors_of(model, name)
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / WEIGHTS, metadata={"format": "pt"})
    (out / WEIGHTS).chmod(0o644)  # save_file makes it readable by its owner only
    (out / TOKENIZER).write_bytes(tokenizer)
    end = text_of(tokenizer, end_of_text)
    for file, content in (
        (CONFIG, config_of(model.architecture, name, end_of_text)),
        ("generation_config.json", {"bos_token_id": end_of_text, "eos_token_id": end_of_text}),
        # The plain class of transformers: it takes tokenizer.json as it stands, of whatever kind it is.
        ("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": end, "eos_token": end,
                                   "unk_token": end, "model_max_length": model.architecture.context,
                                   "clean_up_tokenization_spaces": False}),
    ):  # fmt: skip
        (out / file).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(card, encoding="utf-8")
    return name


def text_of(tokenizer: bytes, token: int) -> str:
    """How a tokenizer.json spells a token. ValueError where it has no such id."""
    from tokenizers import Tokenizer

    spelt: str | None = Tokenizer.from_buffer(tokenizer).id_to_token(token)
    if spelt is None:
        raise ValueError(f"the model's tokenizer has no token {token}, which model.json calls its end_of_text")
    return spelt


def config_of(a: Architecture, name: str, end_of_text: int) -> dict[str, Any]:
    """config.json of one of the three classes."""
    common = {"architectures": [name], "model_type": TYPES[name], "vocab_size": a.vocabulary, "dtype": "float32",
              "bos_token_id": end_of_text, "eos_token_id": end_of_text, "tie_word_embeddings": True,
              "layer_norm_epsilon": EPSILON}  # fmt: skip
    if name == NEO:
        assert a.band is not None
        pairs = [[["global", "local"], a.layers // 2]]
        return {
            **common, "num_layers": a.layers, "hidden_size": a.width, "num_heads": a.heads,
            "max_position_embeddings": a.context, "window_size": a.band, "activation_function": "gelu_new",
            "attention_types": pairs + [[["global"], 1]] * (a.layers % 2),
            "embed_dropout": a.dropout, "attention_dropout": a.dropout, "resid_dropout": a.of_residuals,
        }  # fmt: skip
    return {
        **common, "n_layer": a.layers, "n_embd": a.width, "n_head": a.heads, "n_positions": a.context,
        **({"afn": "gelu"} if name == GPT1 else {"activation_function": "gelu_new"}),
        "embd_pdrop": a.dropout, "attn_pdrop": a.dropout, "resid_pdrop": a.of_residuals,
    }  # fmt: skip


def tensors_of(model: GPT, name: str) -> dict[str, Tensor]:
    """The model's weights as that class of transformers names and lays them out; float32, on the CPU."""
    ours = {key: p.detach().to("cpu", torch.float32) for key, p in model.named_parameters()}
    theirs: dict[str, Tensor] = {}
    for key, their, transposed in _names(model.architecture, name):
        if key in ours:  # a Linear has a weight and a bias, an Embedding no bias
            theirs[f"transformer.{their}"] = (ours[key].T if transposed else ours[key]).contiguous()
    if name == NEO:
        for n in range(model.architecture.layers):
            start = f"blocks.{n}."
            block = {key.removeprefix(start): p for key, p in ours.items() if key.startswith(start)}
            attention = neo.attention_of(block, model.architecture, n)
            theirs |= {f"transformer.h.{n}.{key}": p for key, p in attention.items()}
    return theirs


def _names(a: Architecture, name: str) -> Iterator[tuple[str, str, bool]]:
    """Ours, theirs, and whether theirs is transposed, of every tensor that is one there too."""
    pairs = [(our, their) for our, their in OUTSIDE[name].items()]
    inside = INSIDE_NEO if name == NEO else INSIDE
    pairs += [(f"blocks.{n}.{our}", f"h.{n}.{their}") for n in range(a.layers) for our, their in inside.items()]
    for our, their in pairs:
        if name == NEO and our.endswith("attention.qkv"):
            continue
        matrix = "attention" in our or "mlp" in our
        yield f"{our}.weight", f"{their}.weight", matrix and name != NEO
        if our not in ("tokens", "positions"):
            yield f"{our}.bias", f"{their}.bias", False


# ---- in


def read(folder: Path) -> GPT:
    """A folder of one of the three classes as a model of ours, in evaluation mode, float32.

    ValueError where a file is missing, the configuration asks for what our model does not compute, or a tensor is
    missing, unknown or of another shape.
    """
    config = _json(folder / CONFIG)
    a, name = architecture_of(config, folder / CONFIG)
    given = _given(folder)
    weights: dict[str, Tensor] = {}
    for our, their, transposed in _names(a, name):
        if their not in given:
            raise ValueError(f"{folder} has no tensor {their}: it is no whole {name}")
        tensor = given.pop(their).to(torch.float32)
        weights[our] = (tensor.T if transposed else tensor).contiguous()
    if name == NEO:
        for n in range(a.layers):
            names = {f"h.{n}.{key}": key for key in neo.MATRICES}
            if missing := [their for their in names if their not in given]:
                raise ValueError(f"{folder} has no tensor {missing[0]}: it is no whole {name}")
            three = {key: given.pop(their).to(torch.float32) for their, key in names.items()}
            weights |= {f"blocks.{n}.{key}": p for key, p in neo.qkv_of(three, a).items()}
    if unknown := [key for key in given if not BUFFERS.fullmatch(key)]:
        raise ValueError(f"{folder} has a tensor {unknown[0]} that {name} does not have: what model is it?")
    head = given.get("lm_head.weight")
    if head is not None and not torch.equal(head.to(torch.float32), weights["tokens.weight"]):
        raise ValueError(f"{folder} has a head of its own (lm_head.weight); ours is the embedding, tied")
    with torch.device("meta"):
        model = GPT(a)
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:  # shapes; torch's sentence names the tensor
        fault = str(error).splitlines()[-1].strip()
        raise ValueError(f"{folder}: its tensors do not fit its {CONFIG}: {fault}") from None
    return model.eval()


def architecture_in(folder: Path) -> Architecture:
    """Of a folder's model, by its configuration alone. ValueError as `read`."""
    return architecture_of(_json(folder / CONFIG), folder / CONFIG)[0]


def architecture_of(config: Mapping[str, Any], place: Path) -> tuple[Architecture, str]:
    """What config.json says, and the class it is of. ValueError for what our model does not compute."""
    kinds = {kind: name for name, kind in TYPES.items()}
    kind = config.get("model_type")
    if kind not in kinds:
        raise ValueError(f"{place}: model_type is {kind!r}: a model comes in that is one of {', '.join(kinds)}")
    name = kinds[kind]
    sizes = ("num_layers", "hidden_size", "num_heads", "max_position_embeddings", "vocab_size")
    if name != NEO:
        sizes = ("n_layer", "n_embd", "n_head", "n_positions", "vocab_size")
    if missing := [key for key in sizes if not isinstance(config.get(key), int)]:
        raise ValueError(f"{place}: {', '.join(missing)} must be given, as whole numbers")
    layers, width, heads, context, vocabulary = (config[key] for key in sizes)
    wide = config.get("intermediate_size" if name == NEO else "n_inner")
    activation = config.get("afn", "gelu") if name == GPT1 else config.get("activation_function", "gelu_new")
    wanted = {
        "layer_norm_epsilon": (config.get("layer_norm_epsilon", EPSILON), (EPSILON,)),
        "the activation": (activation, ("gelu_new", "gelu_pytorch_tanh", *(["gelu"] if name == GPT1 else []))),
        "the MLP's width": (4 * width if wide is None else wide, (4 * width,)),
        "tie_word_embeddings": (config.get("tie_word_embeddings", True), (True,)),
        "scale_attn_weights": (config.get("scale_attn_weights", True), (True,)),
        "scale_attn_by_inverse_layer_idx": (config.get("scale_attn_by_inverse_layer_idx", False), (False,)),
        "add_cross_attention": (config.get("add_cross_attention", False), (False,)),
    }
    for key, (found, allowed) in wanted.items():
        if found not in allowed:
            raise ValueError(f"{place}: {key} is {found!r}; our model has {' or '.join(map(repr, allowed))}")
    shape: dict[str, Any] = {"norm": "post", "final_norm": False, "init": "gpt1"} if name == GPT1 else {}
    if name == NEO:
        shape["band"] = neo.band_of(config, place)
    dropout = config.get("resid_dropout" if name == NEO else "resid_pdrop", 0.1 if name != NEO else 0.0)
    return Architecture(layers, width, heads, context, vocabulary, dropout=dropout, **shape), name


def _given(folder: Path) -> dict[str, Tensor]:
    """The folder's tensors, without `transformer.` before their names, which the files of some models lack."""
    if (folder / INDEX).is_file():
        places = _json(folder / INDEX).get("weight_map")
        named = set(places.values()) if isinstance(places, dict) else {None}
        if strangers := [
            file for file in named if not isinstance(file, str) or file == ".." or Path(file).name != file
        ]:
            raise ValueError(f"{folder / INDEX}: {strangers[0]!r} is not the name of a file beside it")
        files = sorted(str(file) for file in named)
    else:
        files = [WEIGHTS]
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise ValueError(
            f"{folder} has no {missing[0]}: weights come in as safetensors, and nothing is unpickled "
            "(pytorch_model.bin): save the model again with save_pretrained"
        )
    tensors = {key: tensor for file in files for key, tensor in tensors_in(folder / file).items()}
    if whole := [key for key, tensor in tensors.items() if not tensor.is_floating_point() and not BUFFERS.search(key)]:
        raise ValueError(
            f"{folder}: {whole[0]} is of {tensors[whole[0]].dtype}: weights come in as numbers with a point"
        )
    return {key.removeprefix("transformer."): tensor for key, tensor in tensors.items()}


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"there is no {path}: give a folder as save_pretrained of transformers writes it")
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a JSON object")
    return content
