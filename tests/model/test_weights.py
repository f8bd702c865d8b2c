"""Damaged files of a model: each is told with its name, whatever the library raises."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model import weights
from model.tokenizer import Tokenizer
from model.weights import tensors_in


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: (2**40).to_bytes(8, "little") + data[8:],
        lambda data: (5).to_bytes(8, "little") + data[8:],
        lambda data: b"\xff" * 100,
        lambda data: data.replace(b"F32", b"F64"),
        lambda data: data.replace(b"F32", b"Q99"),
    ],
)
def test_a_damaged_safetensors_file_is_named(tmp_path: Path, damage) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(12.0).reshape(3, 4)}, path)
    assert tensors_in(path)["a"].shape == (3, 4)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"model.safetensors is no whole safetensors file .*put a whole one"):
        tensors_in(path)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{}", b'{"model": {"type": "BPE"\x01', b"\xff\xfe", b"null"])
def test_a_damaged_tokenizer_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer.json is damaged, or no tokenizer.json: .*put the right one back"):
        Tokenizer(path)


def test_tensors_are_read_to_the_device_that_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one device here: what the library is told is looked at."""
    asked = []
    monkeypatch.setattr(weights, "load_file", lambda path, device: asked.append(device) or {})
    tensors_in(tmp_path / "x")
    tensors_in(tmp_path / "x", torch.device("cuda", 1))
    assert asked == ["cpu", "cuda:1"]
