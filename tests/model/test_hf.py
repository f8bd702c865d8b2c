"""Models out and in: equal to transformers' own for every architecture; a GGUF file read back; refusals."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model import generate, hf, to_gguf
from model.config import Architecture
from model.gpt import GPT
from model.sampling import LIKELIEST
from model.tokenizer import Tokenizer

END = 256
KINDS = {
    "gpt1": {"norm": "post", "final_norm": False, "init": "gpt1"},
    "gpt2": {},
    "gpt3": {"band": 5},
    "gpt3-odd": {"band": 5, "layers": 3},
    "gpt3-wide-band": {"band": 24},  # as wide as the context: dense
}
CLASSES = dict(zip(KINDS, [hf.GPT1, hf.GPT2, hf.NEO, hf.NEO, hf.GPT2], strict=True))


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def some(kind: str, **keys: Any) -> GPT:
    """A model none of whose weights, gains and biases is near its initial value, so that a lost one shows."""
    shape = {"layers": 2, "width": 32, "heads": 4, "context": 24, "vocabulary": 257, **KINDS[kind], **keys}
    model = GPT(Architecture(**shape)).initialise(1).eval()
    draw = torch.Generator().manual_seed(2)
    for p in model.parameters():
        if p.dim() == 1:
            p.add_(torch.randn(p.shape, generator=draw) * 0.3)
        else:
            p.mul_(6)
    model.end_of_text = END
    return model


@pytest.fixture
def tokenizer(tmp_path, make) -> bytes:
    return make.tokenizer(tmp_path / "t.json").read_bytes()


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.randint(0, 257, (3, 24), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_computes_the_same(kind, tmp_path, tokenizer, batch):
    transformers = pytest.importorskip("transformers", reason="pip install transformers to compare with it")
    model = some(kind)
    name = hf.write(model, tmp_path / "out", tokenizer, END, "# a card\n")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert type(theirs).__name__ == name == CLASSES[kind]
    mine = model(batch)
    torch.testing.assert_close(theirs(batch).logits, mine, rtol=0, atol=1e-4)
    assert mine.std() > 0.5  # else 1e-4 would say little

    prompt = batch[:1, :6]
    greedy = list(generate.tokens(model, prompt[0].tolist(), limit=12, sampling=LIKELIEST))
    # Through its own generate, with the generation config that we wrote.
    made = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12, do_sample=False)
    assert made[0, 6:].tolist() == greedy and END not in greedy

    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    text = 'naïve  "Ω"\n'
    assert words(text)["input_ids"] == Tokenizer(tmp_path / "t.json").encode(text)
    assert words.decode(words(text)["input_ids"]) == text and words.eos_token_id == END


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_out_comes_in(kind, tmp_path, tokenizer, batch):
    model = some(kind)
    hf.write(model, tmp_path / "out", tokenizer, END, "")
    back = hf.read(tmp_path / "out")
    torch.testing.assert_close(back(batch), model(batch), rtol=0, atol=1e-4)
    if CLASSES[kind] == hf.NEO:
        assert back.architecture == model.architecture
    else:  # to the bit; a band as wide as the context is none
        assert back.architecture == replace(model.architecture, band=None)
        assert all(torch.equal(a, b) for a, b in zip(back.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["gpt1", "gpt2", "gpt3", "gpt3-odd"])
def test_what_transformers_saves_comes_in(kind, tmp_path, batch):
    """Its own initialisation, its own save_pretrained; in shards; and with an older version's buffers beside."""
    transformers = pytest.importorskip("transformers", reason="pip install transformers to compare with it")
    config = hf.config_of(some(kind).architecture, CLASSES[kind], END)
    theirs = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config)).eval()
    theirs.save_pretrained(tmp_path / "whole")
    theirs.save_pretrained(tmp_path / "shards", max_shard_size="60kB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    older = {name.removeprefix("transformer."): tensor for name, tensor in theirs.state_dict().items()}
    older = {name: tensor.clone() for name, tensor in older.items()} | {"h.0.attn.bias": torch.ones(1, 1, 24, 24)}
    (tmp_path / "older").mkdir()
    (tmp_path / "older/config.json").write_text((tmp_path / "whole/config.json").read_text())
    save_file(older, tmp_path / "older/model.safetensors")
    wanted = theirs(batch).logits
    for folder in ("whole", "shards", "older"):
        torch.testing.assert_close(hf.read(tmp_path / folder)(batch), wanted, rtol=0, atol=1e-4)


def test_what_no_class_holds_is_refused():
    def reason(**keys: Any) -> str:
        with pytest.raises(ValueError, match="no class of transformers holds") as caught:
            hf.class_of(Architecture(layers=2, width=32, heads=4, context=24, **keys))
        return str(caught.value)

    assert "banded layers under norm: post" in reason(norm="post", final_norm=False, band=5)
    assert "norm: pre with final_norm: false" in reason(final_norm=False)
    assert "norm: post with final_norm: true" in reason(norm="post")
    assert hf.class_of(Architecture(layers=1, band=5)) == hf.GPT2  # its one layer is dense


def test_gpt_neo_holds_biases_of_any_size_and_refuses_a_gain_of_zero(batch, tmp_path, tokenizer):
    model = some("gpt3")
    gain, bias = model.blocks[1].norm1.weight, model.blocks[1].norm1.bias
    # sum b / g = -32, the width: were the bias moved the other way, c would be 0.
    bias.copy_(gain * (-32.0 / 32))
    model.blocks[1].attention.qkv.bias.mul_(10)
    hf.write(model, tmp_path / "out", tokenizer, END, "")
    torch.testing.assert_close(hf.read(tmp_path / "out")(batch), model(batch), rtol=0, atol=1e-4)
    bias.normal_(generator=torch.Generator().manual_seed(4))
    gain[3] = 0.0
    with pytest.raises(ValueError, match="layer 1: a gain of the LayerNorm before its attention is 0"):
        hf.write(model, tmp_path / "out", tokenizer, END, "")
    gain[:2], bias[:2] = 1e-6, torch.tensor([1.0, -1.0])  # two terms of 1e6 that cancel
    gain[3] = 1.0
    with pytest.raises(ValueError, match="or so near 0"):
        hf.write(model, tmp_path / "out", tokenizer, END, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'"),
        ({"n_layer": None}, "n_layer must be given"),
        ({"activation_function": "relu"}, "the activation is 'relu'"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06"),
        ({"n_inner": 100}, "the MLP's width is 100; our model has 128"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
        ({"n_layer": 3}, "has no tensor h.2.ln_1.weight"),
        ({"n_layer": 1}, "has a tensor h.1."),
        ({"n_positions": 7}, "positions.weight"),
        ({"n_head": 5}, "not a multiple of heads"),
    ],
)
def test_a_folder_that_is_no_model_of_ours_is_refused(change, said, tmp_path, tokenizer):
    hf.write(some("gpt2"), tmp_path, tokenizer, END, "")
    config = {**json.loads((tmp_path / "config.json").read_text()), **change}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=said):
        hf.read(tmp_path)


def test_other_faults_of_a_folder(tmp_path, tokenizer):
    with pytest.raises(ValueError, match=r"there is no .*config\.json: give a folder as save_pretrained"):
        hf.read(tmp_path)
    hf.write(some("gpt3"), tmp_path, tokenizer, END, "")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "attention_types": [[["local", "global"], 1]]}))
    with pytest.raises(ValueError, match=r"attention_types gives .*; ours alternate: global, local"):
        hf.read(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        hf.read(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    untied = load_file(tmp_path / "model.safetensors") | {"lm_head.weight": torch.zeros(257, 32)}
    save_file(untied, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="a head of its own"):
        hf.read(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="nothing is unpickled"):
        hf.read(tmp_path)


def test_a_gguf_file_holds_the_model_and_its_tokenizer(tmp_path, tokenizer):
    gguf = pytest.importorskip("gguf", reason="pip install gguf to read its files")
    model = some("gpt2", vocabulary=300)  # 43 rows of the embedding have no token
    to_gguf.write(model, tmp_path / "m.gguf", tokenizer, END, "tiny", "of a test")
    reader = gguf.GGUFReader(tmp_path / "m.gguf")
    field = {name: field.contents() for name, field in reader.fields.items()}
    assert field["general.architecture"] == "gpt2" and field["general.name"] == "tiny"
    assert [field[f"gpt2.{key}"] for key in ("context_length", "embedding_length", "feed_forward_length",
            "block_count", "attention.head_count")] == [24, 32, 128, 2, 4]  # fmt: skip
    assert field["gpt2.attention.layer_norm_epsilon"] == pytest.approx(1e-5)
    words = Tokenizer(tmp_path / "t.json")
    tokens = field["tokenizer.ggml.tokens"]
    assert (field["tokenizer.ggml.model"], field["tokenizer.ggml.pre"]) == ("gpt2", "gpt-2")
    assert len(tokens) == 300 and tokens[words.encode("a")[0]] == "a" and tokens[END] == "<|endoftext|>"
    assert field["tokenizer.ggml.eos_token_id"] == END and field["tokenizer.ggml.token_type"][END] == 3  # CONTROL
    # By llama.cpp's names (gguf.TENSOR_NAMES is its own list of them), (out, in) as ours, to the bit.
    read = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    known = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, 2)
    theirs = hf.tensors_of(model, hf.GPT2)
    assert len(read) == len(theirs)
    for name, tensor in theirs.items():
        ggml = known.get_name(name, try_suffixes=(".weight", ".bias"))
        matrix = tensor.T if "c_" in name and tensor.dim() == 2 else tensor
        assert np.array_equal(read[ggml], matrix.numpy()), name


def test_what_llama_cpp_cannot_hold_is_refused(tmp_path, tokenizer):
    for kind, reason in (("gpt1", "it is post-norm"), ("gpt3", "every second layer is banded")):
        with pytest.raises(ValueError, match=reason):
            to_gguf.write(some(kind), tmp_path / "m.gguf", tokenizer, END, "", "")
    other = json.loads(tokenizer)
    for change in ({"pre_tokenizer": {"type": "Whitespace"}}, {"normalizer": {"type": "Lowercase"}},
                   {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}}):  # fmt: skip
        with pytest.raises(ValueError, match="and the tokenizer is another"):
            to_gguf.spelt(json.dumps({**other, **change}).encode())
    split = {"type": "Split", "pattern": {"Regex": to_gguf.PATTERN}, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    same = {**other, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]}}
    assert to_gguf.spelt(json.dumps(same).encode()) == to_gguf.spelt(tokenizer)
    assert not list(tmp_path.glob("*.gguf"))
